"""What a person should look at, each with the section of the runbook that says what to do."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from engine.monitoring.log import Window

Json = dict[str, Any]
LEAST = 30  # answers on each side of a comparison; fewer say nothing
VOTES = 20
JUDGED = 20
CHANCE = 0.01  # how often an alarm may be false
LARGE = 0.1  # a difference of shares or medians that is worth a look
FALLBACKS = 0.1
HELPFUL = 0.7
CLUSTER = 10
STEERING, PERSONAL = 10, 0.1
DEARER = 1.25  # the mean cost of an answer against that of before
SLOWER, MILLISECONDS = 1.5, 100.0  # the median time, and the least difference
WORDS = "words to a model"


class Alarm(NamedTuple):
    """A finding; `name` is a section of docs/runbook-monitoring.md."""

    name: str
    said: str


def refusals(window: Window) -> Alarm | None:
    """Whether another share of questions is refused than before."""
    now, then = (_flags(rows, "refused") for rows in (window.answers, window.before))
    if not _differ(now, then, LEAST, "two-sided"):
        return None
    shares = f"{_share(now):.0%} of questions are refused, before it were {_share(then):.0%}"
    return Alarm("RefusalDrift", shares)


def scores(window: Window) -> Alarm | None:
    """Whether questions are covered less, or more, than before."""
    now, then = (_covers(rows) for rows in (window.answers, window.before))
    if min(len(now), len(then)) < LEAST:
        return None
    change = float(np.median(now) - np.median(then))
    if abs(change) < LARGE or stats.ks_2samp(now, then).pvalue >= CHANCE:
        return None
    medians = f"{np.median(now):.2f}, before it was {np.median(then):.2f}"
    return Alarm("RetrievalScoreDrift", f"the best sentence covers in the middle {medians}")


def fallbacks(window: Window) -> Alarm | None:
    """Whether the language model or the encoder fails often."""
    reasons = [row["answer"].get("fallback_reason", "") for row in window.answers]
    failed = [reason for reason in reasons if reason]
    if len(reasons) < VOTES or len(failed) / len(reasons) < FALLBACKS:
        return None
    often = max({*failed}, key=failed.count)
    share = f"{len(failed) / len(reasons):.0%}"
    return Alarm("LanguageModelFailing", f"{share} of answers are fallbacks, most often: {often}")


def steering(window: Window) -> Alarm | None:
    """Whether many questions want to steer the language model."""
    many = sum(WORDS in row["answer"].get("guard", ()) for row in window.answers)
    if many < STEERING:
        return None
    return Alarm("WordsToTheModel", f"{many} questions want to steer the language model")


def personal(window: Window, policy: str) -> Alarm | None:
    """Whether many answers hold personal data, where nobody decided that they may not."""
    marked = [{*row["answer"].get("guard", ())} - {WORDS} for row in window.answers]
    share = sum(map(bool, marked)) / max(len(marked), 1)
    if policy != "leave" or len(marked) < LEAST or share < PERSONAL:
        return None
    kinds = ", ".join(sorted(set().union(*marked)))
    return Alarm("PersonalDataInAnswers", f"{share:.0%} of answers hold personal data: {kinds}")


def cost(window: Window) -> Alarm | None:
    """Whether an answer costs more than before."""
    now, then = (_numbers(rows, _amount) for rows in (window.answers, window.before))
    if min(len(now), len(then)) < LEAST or np.mean(now) < DEARER * np.mean(then):
        return None
    if stats.mannwhitneyu(now, then, alternative="greater").pvalue >= CHANCE:
        return None
    return Alarm("CostRising", f"an answer costs {np.mean(now):.3g}, before {np.mean(then):.3g}")


def latency(window: Window) -> Alarm | None:
    """Whether answers take longer than before."""
    now, then = (_numbers(rows, _took) for rows in (window.answers, window.before))
    if min(len(now), len(then)) < LEAST:
        return None
    here, there = float(np.median(now)), float(np.median(then))
    if here < max(SLOWER * there, there + MILLISECONDS):
        return None
    if stats.mannwhitneyu(now, then, alternative="greater").pvalue >= CHANCE:
        return None
    return Alarm(
        "SlowAnswers", f"half of the answers take {here:.0f} ms or more, before {there:.0f}"
    )


def feedback(window: Window) -> Alarm | None:
    """Whether people find answers unhelpful, beyond chance."""
    votes = _votes(window.feedback)
    if len(votes) < VOTES or _wilson_high(_share(votes), len(votes)) >= HELPFUL:
        return None
    said = f"{_share(votes):.0%} of {len(votes)} answers were called helpful"
    return Alarm("UnhelpfulAnswers", said)


def helpful(window: Window) -> Alarm | None:
    """Whether fewer of the votes call an answer helpful than before."""
    now, then = (_votes(rows) for rows in (window.feedback, window.feedback_before))
    if not _differ(now, then, VOTES, "less"):
        return None
    said = f"{_share(now):.0%} of answers are called helpful, before it were {_share(then):.0%}"
    return Alarm("HelpfulFalling", said)


def judged(now: Sequence[bool], then: Sequence[bool]) -> Alarm | None:
    """Whether fewer of the answers that a judge saw are good than before."""
    if not _differ(now, then, JUDGED, "less"):
        return None
    said = f"{_share(now):.0%} of judged answers are good, before it were {_share(then):.0%}"
    return Alarm("JudgedQualityFalling", said)


def unanswered(clusters: Sequence[tuple[int, str]]) -> Alarm | None:
    """Whether many ask for the same thing that no document answers."""
    if not clusters or clusters[0][0] < CLUSTER:
        return None
    many, example = clusters[0]
    return Alarm("UnansweredQuestions", f"{many} refused questions are like: {example}")


def _amount(answer: Json) -> float | None:
    return (answer.get("cost") or {}).get("amount")


def _took(answer: Json) -> float | None:
    return answer.get("took_ms")


def _numbers(rows: Sequence[Json], of: Callable[[Json], float | None]) -> list[float]:
    return [value for row in rows if (value := of(row["answer"])) is not None]


def _flags(rows: Sequence[Json], name: str) -> list[bool]:
    return [bool(row["answer"].get(name)) for row in rows]


def _covers(rows: Sequence[Json]) -> list[float]:
    return [float(row["answer"].get("search", {}).get("covers", 0.0)) for row in rows]


def _votes(rows: Sequence[Json]) -> list[bool]:
    return [bool(row.get("helpful")) for row in rows]


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)


def _differ(now: Sequence[bool], then: Sequence[bool], least: int, side: str) -> bool:
    """Whether two shares differ, by a tenth and beyond chance (Fisher's exact test)."""
    if min(len(now), len(then)) < least or abs(_share(now) - _share(then)) < LARGE:
        return False
    table = [[sum(each), len(each) - sum(each)] for each in (now, then)]
    return float(stats.fisher_exact(table, alternative=side).pvalue) < CHANCE


def _wilson_high(share: float, many: int, z: float = 1.96) -> float:
    """The upper end of the 95 % interval of a share (Wilson 1927)."""
    middle = share + z * z / (2 * many)
    spread = z * math.sqrt(share * (1 - share) / many + z * z / (4 * many * many))
    return (middle + spread) / (1 + z * z / many)
