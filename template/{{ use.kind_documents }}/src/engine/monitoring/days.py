"""Day by day: how much was asked and refused, what people and a judge said, how long, how dear."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engine.monitoring.judgements import Judgement

Json = dict[str, Any]
SHOWN = 7  # days of the line on the terminal
MOST = 366  # days in the report
SHARES = ("refused", "helpful", "good")


def days(answers: Sequence[Json], votes: Sequence[Json], judged: Sequence[Judgement]) -> list[Json]:
    """Each day (UTC) of which something is known, at most MOST; null where nothing tells.

    A vote counts for the day on which it was given, a judgement for that of the answer.
    """
    given, voted, good = (defaultdict[str, list[Any]](list) for _ in range(3))
    for row in answers:
        given[_day(row["at"])].append(row["answer"])
    for vote in votes:
        voted[_day(vote["at"])].append(bool(vote.get("helpful")))
    for each in judged:
        good[_day(each.at)].append(each.is_good)
    return [
        {
            "day": day,
            "answers": len(given[day]),
            "refused": share([bool(answer.get("refused")) for answer in given[day]]),
            "votes": len(voted[day]),
            "helpful": share(voted[day]),
            "judged": len(good[day]),
            "good": share(good[day]),
            "took_ms": quantiles(given[day]).get("p50"),
            "cost": cost(given[day]),
        }
        for day in sorted({*given, *voted, *good})[-MOST:]
    ]


def line(found: Sequence[Json]) -> str:
    """The shares of the last days for a terminal; empty where there is none."""
    last = found[-SHOWN:]
    names = [name for name in SHARES if any(day[name] is not None for day in last)]
    if not names:
        return ""
    shown = [f"{day['day'][5:]} {'/'.join(_percent(day[name]) for name in names)}" for day in last]
    return f"  % {'/'.join(names)} by day: {', '.join(shown)}"


def quantiles(answers: Sequence[Json]) -> dict[str, float]:
    """The median and the 99th percentile of the time that answers took; nothing where none says."""
    took = [answer["took_ms"] for answer in answers if "took_ms" in answer]
    if not took:
        return {}
    p50, p99 = (round(float(value), 1) for value in np.quantile(took, (0.5, 0.99)))
    return {"p50": p50, "p99": p99}


def cost(answers: Sequence[Json]) -> float | None:
    """What answers cost together, of those that have a price; None where none has."""
    known = [answer["cost"]["amount"] for answer in answers if answer.get("cost")]
    return float(round(sum(known), 6)) if known else None


def share(flags: Sequence[bool]) -> float | None:
    """How many of some are so; None where there are none."""
    return round(sum(flags) / len(flags), 4) if flags else None


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}"
