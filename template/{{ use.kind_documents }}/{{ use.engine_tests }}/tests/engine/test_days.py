"""Each day has its own numbers, and none where nothing tells."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from engine.monitoring.days import MOST, days, line
from engine.monitoring.judgements import Judgement

Json = dict[str, Any]
FIRST = datetime(2026, 1, 30, 12, tzinfo=UTC)
SECOND = FIRST + timedelta(days=1)


def answer(at: datetime, *, refused: bool = False, took: float = 10, amount: float = 0) -> Json:
    """A record of the log."""
    cost = {"cost": {"amount": amount, "currency": "USD"}} if amount else {}
    return {"at": at, "answer": {"refused": refused, "took_ms": took, **cost}}


def vote(at: datetime, *, helpful: bool) -> Json:
    """What somebody thought of an answer."""
    return {"at": at, "helpful": helpful}


def judgement(at: datetime, *, grounded: bool = True, answered: bool = True) -> Judgement:
    """What a judge said of an answer."""
    said: Json = {"grounded": grounded, "answered": answered, "reason": ""}
    return Judgement(id="1", at=at, version=1, model="j", prompt_version="1", **said)


def test_each_day_has_its_numbers() -> None:
    answers = [answer(FIRST, took=t, amount=0.001) for t in (10, 20, 90)]
    answers += [answer(FIRST, refused=True, took=20), answer(SECOND)]
    votes = [vote(FIRST, helpful=True), vote(FIRST, helpful=False), vote(SECOND, helpful=True)]
    judged = [judgement(SECOND), judgement(SECOND, grounded=False)]
    judged += [judgement(SECOND, answered=False), judgement(SECOND + timedelta(days=1))]

    assert days(answers, votes, judged) == [
        {
            **{"day": "2026-01-30", "answers": 4, "refused": 0.25, "votes": 2, "helpful": 0.5},
            **{"judged": 0, "good": None, "took_ms": 20.0, "cost": 0.003},
        },
        {
            **{"day": "2026-01-31", "answers": 1, "refused": 0.0, "votes": 1, "helpful": 1.0},
            **{"judged": 3, "good": 0.3333, "took_ms": 10.0, "cost": None},
        },
        {
            **{"day": "2026-02-01", "answers": 0, "refused": None, "votes": 0, "helpful": None},
            **{"judged": 1, "good": 1.0, "took_ms": None, "cost": None},
        },
    ]


def test_a_day_is_one_of_utc() -> None:
    late = datetime(2026, 1, 30, 23, tzinfo=timezone(timedelta(hours=-5)))

    assert [day["day"] for day in days([answer(late)], [], [])] == ["2026-01-31"]


def test_the_line_has_the_last_days_and_only_what_is_known_of_them() -> None:
    answers = [answer(FIRST + timedelta(days=n), refused=n > 8) for n in range(10)]
    found = days(answers, [vote(FIRST, helpful=True)], [judgement(FIRST + timedelta(days=9))])

    assert line(found).startswith("  % refused/good by day: 02-02 0/-, 02-03 0/-, ")
    assert line(found).endswith(", 02-07 0/-, 02-08 100/100")
    assert line([]) == ""


def test_a_log_of_years_gives_a_report_of_one() -> None:
    found = days([answer(FIRST + timedelta(days=n)) for n in range(400)], [], [])

    assert len(found) == MOST
    assert found[-1]["day"] == f"{FIRST + timedelta(days=399):%Y-%m-%d}"
