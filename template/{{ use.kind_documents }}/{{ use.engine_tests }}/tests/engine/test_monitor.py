"""Monitoring: each alarm is raised by what it is for, and by nothing on a quiet day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.commands import monitor
from engine.core.errors import AlarmRaised, SettingsError
from engine.core.storage import Storage
from engine.registry.registry import Registry

from . import small_bundle

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC) - timedelta(minutes=5)
BEFORE = NOW - timedelta(days=3)
Json = dict[str, Any]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a champion, no documents to compare, and an empty log."""
    small_bundle.register(Storage(tmp_path / "store"), tmp_path, "one")
    Registry(Storage(tmp_path / "store")).promote()
    (tmp_path / "contract.toml").write_text('[corpus]\nfolder = "none"\n')
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "logs"


def answered(at: datetime, number: int, **answer: Any) -> Json:
    """A record of the log."""
    said = {"refused": False, "search": {"covers": 0.7 + number % 10 / 50}}
    said |= {"took_ms": 200.0 + number % 7, "cost": {"amount": 0.002, "currency": "USD"}, **answer}
    row = {"question": f"What is number {number} of {number * 7}?"}
    return {"id": f"{at:%d}-{number}", "at": at.isoformat(), "row": row, "answer": said}


def write(logs: Path, kind: str, rows: list[Json]) -> None:
    """Add records to the log."""
    with (logs / f"{kind}-20260131.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def vote(number: str, at: datetime, helpful: bool) -> Json:
    """What somebody thought of an answer."""
    return {"id": number, "at": at.isoformat(), "helpful": helpful}


def quiet(logs: Path, **now: Any) -> None:
    """A hundred answers before, and sixty lately."""
    write(logs, "predictions", [answered(BEFORE, number) for number in range(100)])
    write(logs, "predictions", [answered(NOW, number, **now) for number in range(60)])


def raised() -> str:
    """What monitoring says; empty when nothing is wrong."""
    try:
        monitor.main(["monitor"])
    except AlarmRaised as alarm:
        return str(alarm)
    return ""


def test_a_quiet_day_raises_nothing(logs: Path) -> None:
    quiet(logs)
    write(
        logs,
        "outcomes",
        [{"id": str(n), "at": NOW.isoformat(), "helpful": True} for n in range(30)],
    )
    (logs / "predictions-20260130.jsonl").write_text('{"half a li')

    assert raised() == ""
    told = json.loads(Path("reports/monitor.json").read_text("utf-8"))
    assert (told["answers"], told["before"], told["broken_lines"]) == (60, 100, 1)


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ({"refused": True}, "RefusalDrift"),
        ({"search": {"covers": 0.51}}, "RetrievalScoreDrift"),
        ({"fallback_reason": "the language model: it answered 500"}, "LanguageModelFailing"),
        ({"guard": ["words to a model"]}, "WordsToTheModel"),
        ({"guard": ["e-mail address"]}, "PersonalDataInAnswers"),
        ({"took_ms": 900.0}, "SlowAnswers"),
        ({"cost": {"amount": 0.003, "currency": "USD"}}, "CostRising"),
    ],
)
def test_a_change_is_found(logs: Path, now: Json, name: str) -> None:
    quiet(logs, **now)

    assert f"- {name}: " in raised()
    assert f"\n## {name}\n" in (ROOT / "docs/runbook-monitoring.md").read_text("utf-8")


def test_personal_data_that_the_contract_looks_after_raise_nothing(logs: Path) -> None:
    with Path("contract.toml").open("a") as contract:
        contract.write('[guard]\npersonal_data = "blot"\n')
    quiet(logs, guard=["e-mail address"])

    assert raised() == ""


def test_the_report_says_what_was_found(logs: Path) -> None:
    write(logs, "outcomes", [{"id": "1", "at": BEFORE.isoformat(), "helpful": False}])
    some: Json = {"refused": True, "reason": "unknown", "guard": ["card number"], "cached": True}
    write(logs, "predictions", [answered(NOW, number, **some) for number in range(3)])

    assert raised() == ""
    told = json.loads(Path("reports/monitor.json").read_text("utf-8"))
    assert told["feedback_before"] == {"helpful": 0, "not helpful": 1}
    assert (told["reasons"], told["guard"]) == ({"unknown": 3}, {"card number": 3})
    assert (told["cached"], told["took_ms"]) == (3, {"p50": 201.0, "p99": 202.0})


def test_answers_that_do_not_help_are_found(logs: Path) -> None:
    quiet(logs)
    votes = [{"id": str(n), "at": NOW.isoformat(), "helpful": n % 2 == 0} for n in range(60)]
    write(logs, "outcomes", votes)

    assert "- UnhelpfulAnswers: 50% of 60 answers" in raised()


def test_votes_that_fall_are_found_though_most_are_good(logs: Path) -> None:
    quiet(logs)
    for at, many in ((BEFORE, 95), (NOW, 75)):
        votes = [vote(f"{at:%d}-{n}", at, n < many) for n in range(100)]
        write(logs, "outcomes", votes)

    said = raised()
    assert "- HelpfulFalling: 75% of answers are called helpful, before it were 95%" in said
    assert "UnhelpfulAnswers" not in said


def test_the_last_vote_on_an_answer_counts_whatever_stands_first(logs: Path) -> None:
    quiet(logs)
    later = NOW + timedelta(minutes=1)
    for number in range(30):
        name = f"{number}"
        last, first = vote(name, later, helpful=False), vote(name, NOW, helpful=True)
        write(logs, "outcomes", [vote(name, BEFORE, helpful=True), last, first])

    assert "- UnhelpfulAnswers: 0% of 30 answers" in raised()
    told = json.loads(Path("reports/monitor.json").read_text("utf-8"))
    assert told["feedback"] == {"helpful": 0, "not helpful": 30}
    assert told["feedback_before"] == {"helpful": 0, "not helpful": 0}


def test_each_day_is_in_the_report_and_in_a_line(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet(logs)
    write(logs, "outcomes", [vote("a", BEFORE, helpful=True), vote("b", BEFORE, helpful=False)])

    assert raised() == ""
    days = json.loads(Path("reports/monitor.json").read_text("utf-8"))["days"]
    assert [(d["answers"], d["votes"], d["judged"]) for d in days] == [(100, 2, 0), (60, 0, 0)]
    line = f"  % refused/helpful by day: {BEFORE:%m-%d} 0/50, {NOW:%m-%d} 0/-\n"
    assert line in capsys.readouterr().out


def test_records_that_lack_what_each_has_are_counted_as_broken(logs: Path) -> None:
    quiet(logs)
    write(logs, "outcomes", [{"at": NOW.isoformat(), "helpful": True}])
    write(logs, "outcomes", [vote("a", NOW, helpful=True) | {"at": "2026-01-31T12:00:00"}])

    assert raised() == ""
    assert json.loads(Path("reports/monitor.json").read_text("utf-8"))["broken_lines"] == 2


def test_questions_that_are_refused_together_are_found(logs: Path) -> None:
    quiet(logs)
    rows = [answered(NOW, number, refused=True) for number in range(12)]
    for number, row in enumerate(rows):
        row["row"]["question"] = f"Is there {['a', 'any', 'some'][number % 3]} bicycle parking?"
    write(logs, "predictions", rows)

    assert "UnansweredQuestions: 12 refused questions are like: Is there a bicycle" in raised()


def test_an_index_that_is_behind_its_documents_is_found(logs: Path) -> None:
    quiet(logs)
    Path("none").mkdir()
    Path("none/new.md").write_text("# New\n\nThis is new.\n")

    assert "IndexBehindDocuments" in raised()


@pytest.mark.usefixtures("logs")
def test_a_wrong_span_is_refused() -> None:
    with pytest.raises(SettingsError, match="must be a number with m, h or d"):
        monitor.main(["monitor", "--since", "week"])
