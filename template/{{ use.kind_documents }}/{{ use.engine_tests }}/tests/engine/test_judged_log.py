"""A judge of logged answers: asked once for each, compared with itself alone, and never needed."""

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from engine.commands import monitor
from engine.core.errors import AlarmRaised, ContractError, DataError, SettingsError
from engine.monitoring.judgements import FOLDER

from . import small_bundle
from .stand_in import Step, playing, says, sends
from .test_endpoint import stored

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC) - timedelta(minutes=5)
BEFORE = NOW - timedelta(days=3)
TEXT = f"{small_bundle.TEXTS['cats.md']}\nWrite to ada@example.org about dogs.\n"
QUOTE = "A cat sleeps for 14 hours a day."
PLACE = ["cats.md", TEXT.index(QUOTE), TEXT.index(QUOTE) + len(QUOTE)]
FINE = says({"grounded": True, "answered": True, "reason": "it says so"})
POOR = says({"grounded": True, "answered": False, "reason": "ask ada@example.org"})
JUDGE = '[corpus]\nfolder = "none"\n[judge]\nmodel = "judge-1"\n'
Json = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a champion, a judge, and a log of 100 answers of before and 40 of now."""
    stored(tmp_path, "", texts={**small_bundle.TEXTS, "cats.md": TEXT})
    (tmp_path / "contract.toml").write_text(JUDGE)
    prompts = tmp_path / "src/app/prompts"
    prompts.mkdir(parents=True)
    name = "judge_logged.md"
    (prompts / name).write_bytes((ROOT / "src/app/prompts" / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    write([answered(BEFORE, n) for n in range(100)] + [answered(NOW, n) for n in range(40)])
    monkeypatch.setenv("APP_LLM_ATTEMPTS", "1")
    return tmp_path


def write(rows: list[Json]) -> None:
    """The log of the answers."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    Path("logs/predictions-20260131.jsonl").write_text(text, "utf-8")


def answered(at: datetime, number: int, version: int = 1, **answer: Any) -> Json:
    """A record of the log, with its answer."""
    said = {"refused": False, "answer": f"14 hours, {number}.", "citations": [PLACE], **answer}
    said |= {"search": {"covers": 0.8}, "took_ms": 200.0}
    row = {"question": f"How long {'does' if at == NOW else 'did'} cat {number} sleep?"}
    head = {"id": f"{at:%d}-{number}", "at": at.isoformat(), "version": version}
    return {**head, "row": row, "answer": said}


def poor_now(handler: BaseHTTPRequestHandler, body: Json) -> None:
    """A judge who finds poor what is answered today; several ask it at once, in no order."""
    is_now = "How long does cat" in body["messages"][0]["content"]
    (POOR if is_now else FINE)(handler, body)


def watch(
    monkeypatch: pytest.MonkeyPatch, *steps: Step, many: int = 0
) -> tuple[Json, list[Json], str]:
    """What the report says, what the judge was sent, and the alarm."""
    said = ""
    with playing(*steps) as server:
        monkeypatch.setenv("APP_JUDGE_URL", server.url)
        try:
            monitor.main(["monitor", *(["--judge", f"{many}"] if many else [])])
        except AlarmRaised as alarm:
            said = str(alarm)
    return json.loads(Path("reports/monitor.json").read_text("utf-8")), server.asked, said


@pytest.mark.usefixtures("project")
def test_it_sees_question_answer_and_all_that_could_have_been_cited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write([answered(NOW, 7)])

    _, [sent], _ = watch(monkeypatch, FINE, many=5)

    text = sent["messages"][0]["content"]
    seen = TEXT.replace("ada@example.org", "[e-mail address]").strip()
    for part in ("How long does cat 7 sleep?", "14 hours, 7.", f"[1] {seen}\n"):
        assert part in text
    assert sent["response_format"]["json_schema"]["schema"]["required"] == [
        "grounded", "answered", "reason"
    ]  # fmt: skip


@pytest.mark.usefixtures("project")
def test_no_answer_is_judged_twice_and_as_many_of_before_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, asked, said = watch(monkeypatch, FINE, many=10)
    again, asked_again, _ = watch(monkeypatch, POOR, many=10)
    more, asked_more, _ = watch(monkeypatch, POOR, many=12)
    silent, asked_never, _ = watch(monkeypatch, POOR)

    assert (len(asked), len(asked_again), len(asked_more), len(asked_never)) == (20, 0, 4, 0)
    assert said == ""
    assert first["judged"]["now"] == first["judged"]["before"] == {"good": 10, "not good": 0}
    assert again["judged"]["now"] == first["judged"]["now"]
    assert more["judged"]["now"] == silent["judged"]["now"] == {"good": 10, "not good": 2}
    assert [(day["judged"], day["good"]) for day in silent["days"]] == [(12, 0.8333)] * 2
    assert (first["judged"]["asked"], first["judged"]["tokens"]) == (20, 2400)
    out = capsys.readouterr().out
    assert "judge-1 judged 10 answers, 10 of them good (no gate); before 10, 10 of them" in out
    assert "it was asked about 20 answers: 2000 + 400 tokens; no price is known" in out


@pytest.mark.usefixtures("project")
def test_quality_that_falls_is_found_and_kept_without_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, asked, said = watch(monkeypatch, poor_now, many=20)
    write([])
    later, _, still = watch(monkeypatch, FINE)

    assert len(asked) == 40
    assert "- JudgedQualityFalling: 0% of judged answers are good, before it were 100%" in said
    assert "docs/runbook-monitoring.md#judgedqualityfalling" in still
    assert [day["good"] for day in later["days"]] == [1.0, 0.0]
    assert told["judged"]["now"] == {"good": 0, "not good": 20}
    [kept] = Path("store", FOLDER).iterdir()
    assert "ask [e-mail address]" in kept.read_text("utf-8")


@pytest.mark.usefixtures("project")
def test_another_prompt_measures_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch, FINE, many=10)
    path = Path("src/app/prompts/judge_logged.md")
    path.write_text(path.read_text("utf-8").replace("version: 1", "version: 2"))

    told, _, _ = watch(monkeypatch, FINE)
    _, asked, _ = watch(monkeypatch, FINE, many=10)

    assert (told["judged"]["now"], len(asked)) == ({"good": 0, "not good": 0}, 20)


@pytest.mark.usefixtures("project")
def test_an_endpoint_that_is_down_is_said_and_the_rest_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told, asked, said = watch(monkeypatch, sends(503, {}), many=20)

    assert (told["answers"], said) == (40, "")
    assert told["judged"]["unjudged"] == {
        "it answered 503": 8,
        "not asked, since 8 calls before it brought nothing": 32,
    }
    assert len(asked) == told["judged"]["asked"] == 8
    assert "8 without a judgement: it answered 503" in capsys.readouterr().out
    assert not Path("store", FOLDER).exists()
    told, _, _ = watch(monkeypatch, FINE, many=20)
    assert told["judged"]["now"] == {"good": 20, "not good": 0}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (answered(NOW, 1, answer=None), "it is not in the log (log_answers under [privacy]"),
        (
            answered(NOW, 1) | {"row": {"length": 9}},
            "its question is not in the log (log_q",
        ),
        (answered(NOW, 1) | {"version": None}, "what it cites cannot be read any more"),
        (answered(NOW, 1, version=7), "what it cites cannot be read any more"),
        (answered(NOW, 1, citations=[["gone.md", 0, 9]]), "what it cites cannot be read any more"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_cannot_be_judged_is_counted_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, row: Json, why: str
) -> None:
    write([row, answered(NOW, 2), answered(NOW, 3, refused=True, answer=None)])

    told, asked, _ = watch(monkeypatch, FINE, many=5)

    [(said, many)] = told["judged"]["unjudged"].items()
    assert (said.startswith(why), many, len(asked)) == (True, 1, 1)


def test_a_judge_that_is_not_there_is_one_line_with_the_way_out(project: Path) -> None:
    with pytest.raises(SettingsError, match="--judge -1 must be how many"):
        monitor.main(["monitor", "--judge", "-1"])
    (project / "contract.toml").write_text("")
    with pytest.raises(ContractError, match=r"names no judge; set `model` under \[judge\]"):
        monitor.main(["monitor", "--judge", "5"])


def test_a_broken_file_of_judgements_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch, FINE, many=1)
    [path] = (project / "store" / FOLDER).iterdir()
    path.write_text("{}")

    with pytest.raises(DataError, match=rf"{path.name}: .*; delete it, to judge again"):
        monitor.main(["monitor"])
