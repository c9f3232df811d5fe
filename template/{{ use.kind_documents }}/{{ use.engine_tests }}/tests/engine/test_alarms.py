"""Each alarm: what is just enough raises it, and what is a little less raises nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.monitoring import alarms
from engine.monitoring.alarms import Alarm
from engine.monitoring.log import Window

Json = dict[str, Any]
Rows = list[Json]
ROOT = Path(__file__).parents[2]
TODAY = date(2026, 6, 30)


def rows(*parts: tuple[int, Json]) -> Rows:
    """So many answers of each sort."""
    return [{"answer": answer} for many, answer in parts for _ in range(many)]


def refused(many: int, of: int) -> Rows:
    return rows((many, {"refused": True}), (of - many, {"refused": False}))


def covers(many: int, share: float) -> Rows:
    """Answers whose best sentences cover about as much."""
    return [{"answer": {"search": {"covers": share + n % 5 / 1000}}} for n in range(many)]


def took(many: int, time: float) -> Rows:
    return rows((many, {"took_ms": time}))


def costs(many: int, amount: float) -> Rows:
    return rows((many, {"cost": {"amount": amount, "currency": "USD"}}))


def failing(many: int, of: int) -> Rows:
    return rows((many, {"fallback_reason": "it answered 500"}), (of - many, {}))


def marked(many: int, of: int, *found: str) -> Rows:
    return rows((many, {"guard": [*found]}), (of - many, {}))


def found(of: Callable[[Window], Alarm | None], now: Rows, then: Rows) -> str:
    """The name of the alarm that these answers raise; empty for none."""
    raised = of(Window(now, then, [], [], 0))
    return raised.name if raised else ""


@pytest.mark.parametrize(
    ("of", "now", "then", "name"),
    [
        (alarms.refusals, refused(10, 30), refused(10, 100), "RefusalDrift"),
        (alarms.refusals, refused(0, 60), refused(25, 100), "RefusalDrift"),
        (alarms.refusals, refused(20, 29), refused(10, 100), ""),  # too few
        (alarms.refusals, refused(50, 100), refused(1, 29), ""),
        (alarms.refusals, refused(190, 1000), refused(100, 1000), ""),  # too small
        (alarms.refusals, refused(7, 30), refused(10, 100), ""),  # chance
        (alarms.scores, covers(30, 0.55), covers(30, 0.7), "RetrievalScoreDrift"),
        (alarms.scores, covers(30, 0.85), covers(30, 0.7), "RetrievalScoreDrift"),
        (alarms.scores, covers(29, 0.1), covers(100, 0.7), ""),
        (alarms.scores, covers(100, 0.1), covers(29, 0.7), ""),
        (alarms.scores, covers(500, 0.61), covers(500, 0.7), ""),
        (alarms.scores, covers(14, 0) + covers(16, 0.9), covers(16, 0) + covers(14, 0.9), ""),
        (alarms.fallbacks, failing(2, 20), [], "LanguageModelFailing"),
        (alarms.fallbacks, failing(19, 19), [], ""),
        (alarms.fallbacks, failing(9, 100), [], ""),
        (alarms.latency, took(30, 300), took(30, 200), "SlowAnswers"),
        (alarms.latency, took(29, 900), took(100, 200), ""),
        (alarms.latency, took(100, 900), took(29, 200), ""),
        (alarms.latency, took(500, 550), took(500, 400), ""),  # a hundred more, less than a half
        (alarms.latency, took(500, 99), took(500, 1), ""),  # a half more, less than a hundred
        (alarms.latency, took(14, 1) + took(16, 900), took(16, 1) + took(14, 900), ""),
        (alarms.cost, costs(30, 0.0026), costs(30, 0.002), "CostRising"),
        (alarms.cost, costs(29, 0.01), costs(100, 0.002), ""),
        (alarms.cost, costs(100, 0.01), costs(29, 0.002), ""),
        (alarms.cost, costs(500, 0.0024), costs(500, 0.002), ""),
        (alarms.cost, costs(29, 0.002) + costs(1, 1), costs(30, 0.002), ""),
        (alarms.cost, costs(29, 0.01) + rows((9, {})), costs(30, 0.002), ""),  # no price
        (alarms.steering, marked(10, 500, alarms.WORDS), [], "WordsToTheModel"),
        (alarms.steering, marked(9, 9, alarms.WORDS), [], ""),
        (alarms.steering, marked(30, 30, "card number"), marked(30, 30, alarms.WORDS), ""),
    ],
)
def test_what_is_enough_and_what_is_not(
    of: Callable[[Window], Alarm | None], now: Rows, then: Rows, name: str
) -> None:
    assert found(of, now, then) == name


@pytest.mark.parametrize(
    ("now", "policy", "name"),
    [
        (marked(3, 30, "card number"), "leave", "PersonalDataInAnswers"),
        (marked(2, 30, "card number"), "leave", ""),
        (marked(29, 29, "card number"), "leave", ""),
        (marked(30, 30, "card number"), "blot", ""),
        (marked(30, 30, alarms.WORDS), "leave", ""),
    ],
)
def test_personal_data_are_found_where_nobody_decided_about_them(
    now: Rows, policy: str, name: str
) -> None:
    assert found(lambda window: alarms.personal(window, policy), now, []) == name


def test_the_most_frequent_reason_of_fallbacks_is_named() -> None:
    reasons = ["it answered 401", *["it answered 500"] * 3, "it answered 429"]
    now = rows((25, {}), *((1, {"fallback_reason": reason}) for reason in reasons))

    raised = alarms.fallbacks(Window(now, [], [], [], 0))

    assert raised
    assert raised.said == "17% of answers are fallbacks, most often: it answered 500"
