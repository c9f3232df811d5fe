"""What monitoring found: monitor.json, and the lines that a terminal gets of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from engine.monitoring import days
from engine.monitoring.alarms import Alarm
from engine.monitoring.judgements import Quality
from engine.monitoring.log import Window

Json = dict[str, Any]
SHOWN = 5  # clusters


class Found(NamedTuple):
    """Everything that is reported."""

    version: int
    start: datetime
    end: datetime
    window: Window
    alike: Sequence[tuple[int, str]]
    """How many refused questions are like which."""
    quality: Quality | None
    """None where the contract names no judge."""
    raised: Sequence[Alarm]


def summary(found: Found) -> Json:
    """What monitor.json says."""
    window, quality = found.window, found.quality
    answers = [row["answer"] for row in window.answers]
    refused = [answer for answer in answers if answer.get("refused")]
    usage = [answer.get("usage", {}) for answer in answers]
    every = [*window.before, *window.answers], [*window.feedback_before, *window.feedback]
    return {
        "from": found.start,
        "to": found.end,
        "version": found.version,
        "answers": len(answers),
        "refused": len(refused),
        "before": len(window.before),
        "feedback": _votes(window.feedback),
        "feedback_before": _votes(window.feedback_before),
        "reasons": Counter(answer.get("reason") or "not said" for answer in refused),
        "cached": sum(bool(answer.get("cached")) for answer in answers),
        "guard": Counter(marked for answer in answers for marked in answer.get("guard", ())),
        "took_ms": days.quantiles(answers),
        "tokens": sum(sum(count or 0 for count in each.values()) for each in usage),
        "cost": days.cost(answers),
        "judged": _judged(found, quality) if quality else None,
        "unanswered": [{"questions": many, "like": like} for many, like in found.alike[:SHOWN]],
        "days": days.days(*every, quality.known if quality else []),
        "broken_lines": window.broken,
        "alarms": [{"name": alarm.name, "said": alarm.said} for alarm in found.raised],
    }


def lines(found: Found, told: Json, path: object) -> list[str]:
    """What a terminal gets of it."""
    helpful = told["feedback"]["helpful"]
    shown = [
        f"version {found.version}: {told['answers']} answers, {told['refused']} of them refusals, "
        f"{len(found.window.feedback)} votes ({helpful} helpful); {path}",
        *([days.line(told["days"])] if told["days"] else []),
    ]
    quality = found.quality
    if quality and (quality.known or quality.unjudged):
        shown += _quality(found, quality)
    return shown + [f"  refused {many} x: {like}" for many, like in found.alike[:SHOWN]]


def _quality(found: Found, quality: Quality) -> list[str]:
    now, then = quality.good(found.start, found.end)
    shown = [f"  {quality.model} judged {len(now)} answers, {sum(now)} of them good (no gate)"]
    shown[0] += f"; before {len(then)}, {sum(then)} of them good"
    shown += [f"  {many} without a judgement: {why}" for why, many in quality.unjudged.items()]
    if quality.asked:
        price = "no price is known ([llm_prices] in settings.toml)"
        if quality.cost:
            price = f"{quality.cost['amount']:.4f} {quality.cost['currency']}"
        tokens = f"{quality.prompt_tokens} + {quality.completion_tokens} tokens"
        shown.append(f"  it was asked about {quality.asked} answers: {tokens}; {price}")
    return shown


def _judged(found: Found, quality: Quality) -> Json:
    now, then = quality.good(found.start, found.end)
    return {
        "by": quality.model,
        "prompt_version": quality.prompt_version,
        "now": {"good": sum(now), "not good": len(now) - sum(now)},
        "before": {"good": sum(then), "not good": len(then) - sum(then)},
        "asked": quality.asked,
        "unjudged": quality.unjudged,
        "tokens": quality.prompt_tokens + quality.completion_tokens,
        "cost": quality.cost,
    }


def _votes(feedback: Sequence[Json]) -> dict[str, int]:
    helpful = sum(bool(row.get("helpful")) for row in feedback)
    return {"helpful": helpful, "not helpful": len(feedback) - helpful}
