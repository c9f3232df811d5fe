"""The log of answers in a folder, an object store and on standard output, each read by monitor."""

import gzip
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.commands import monitor
from engine.contract.read import parse_contract
from engine.core.errors import ContractError, SettingsError, StorageError
from engine.core.storage import Storage
from engine.monitoring import log
from engine.monitoring.source import source

from .stand_in import playing
from .test_endpoint import CONTRACT, GOOD, QUESTION, stored
from .test_events import ask, served

Json = dict[str, Any]
SECRET = "ada@example.org"
NOW = datetime.now(UTC)


def read(place: str, collected: list[str]) -> log.Window:
    """What a log holds of the last hour."""
    now = datetime.now(UTC)
    return log.read(source(place, collected), now - timedelta(hours=1), now)


def kept(window: log.Window) -> tuple[list[str], list[bool]]:
    """The questions, and the votes."""
    return (
        [row["row"]["question"] for row in window.answers],
        [row["helpful"] for row in window.feedback],
    )


def test_a_server_logs_to_a_store_and_monitor_reads_it(tmp_path: Path) -> None:
    store, url = stored(tmp_path, CONTRACT), f"memory://{uuid.uuid4().hex}"
    with playing(GOOD) as server:
        body = {"question": f"{QUESTION} asks {SECRET}"}
        reply, _ = ask(store, body, {}, llm_url=server.url, prediction_log=url)
        vote = {"id": reply.json()["id"], "helpful": True, "comment": f"tell {SECRET}"}
        noted, _ = ask(store, vote, {}, "/v1/feedback", llm_url=server.url, prediction_log=url)

    assert noted.status_code == 202
    assert kept(read(url, [])) == ([f"{QUESTION} asks [e-mail address]"], [True])
    assert {folder[:6] for folder in Storage(url).list()} == {"predic", "outcom"}


def test_a_server_logs_to_standard_output_and_monitor_reads_what_was_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path, CONTRACT)
    with playing(GOOD) as endpoint, served(tmp_path, endpoint, prediction_log="-") as server:
        asked = httpx.post(f"{server.url}/v1/ask", json={"question": QUESTION}, timeout=30).json()
        vote = {"id": asked["id"], "helpful": False}
        httpx.post(f"{server.url}/v1/feedback", json=vote).raise_for_status()
        server.process.terminate()
        output, _ = server.process.communicate(timeout=60)
    lines = [f"server-1  | {line}\n" for line in output.splitlines()]
    (tmp_path / "collected").write_text("".join(["server-1  | hello\n", *lines]), "utf-8")
    (tmp_path / "contract.toml").write_text('[corpus]\nfolder = "none"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_PREDICTION_LOG", "-")

    assert kept(read("-", ["collected"])) == ([QUESTION], [False])
    with pytest.raises(SettingsError, match="monitor --log FILE"):
        monitor.main(["monitor"])
    assert monitor.main(["monitor", "--log", "collected"]) == 0
    assert "1 answers, 0 of them refusals, 1 votes (0 helpful)" in capsys.readouterr().out


def dump(line: object) -> str:
    return json.dumps(line, separators=(",", ":"))


WRAPPED: dict[str, Callable[[list[Json]], str]] = {
    "aws logs filter-log-events": lambda lines: json.dumps(
        {"events": [{"logStreamName": "a", "message": f"{dump(each)}\n"} for each in lines]},
        indent=4,
    ),
    "JSON of Lambda": lambda lines: "\n".join(
        dump({"timestamp": "now", "message": each}) for each in lines
    ),
    "gcloud logging read": lambda lines: json.dumps(
        [{"insertId": "a", "jsonPayload": each} for each in lines], indent=2
    ),
    "text of Cloud Logging": lambda lines: dump([{"textPayload": dump(each)} for each in lines]),
    "json-file of Docker": lambda lines: "\n".join(
        dump({"log": f"{dump(each)}\n", "stream": "stdout"}) for each in lines
    ),
    "an envelope with a kind of its own": lambda lines: "\n".join(
        dump({"message": dump(each), "kind": "Event"}) for each in lines
    ),
    "kubectl logs --timestamps": lambda lines: "\n".join(
        f"2026-01-31T11:00:00.5Z {dump(each)}" for each in lines
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_what_a_platform_collected_is_read_with_its_votes(
    tmp_path: Path, wrap: Callable[[list[Json]], str], packed: bool
) -> None:
    rows = [
        {"kind": "predictions", "id": f"{n}", "at": NOW.isoformat(), "row": {"question": f"{n}?"}}
        | {"answer": {}}
        for n in range(5)
    ]
    vote = {"kind": "outcomes", "id": "3", "at": NOW.isoformat(), "helpful": True}
    text = wrap([*rows, vote, {"kind": "audit", "id": "4"}]).encode()
    file = tmp_path / ("collected.gz" if packed else "collected")
    file.write_bytes(gzip.compress(text) if packed else text)

    found = read("-", [str(file)])

    assert kept(found) == ([f"{n}?" for n in range(5)], [True])
    assert (found.broken, found.feedback[0]["id"]) == (0, "3")


def test_a_packed_file_without_its_end_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:-12])

    with pytest.raises(StorageError, match=r"cut.gz cannot be read: its end is missing"):
        read("-", [str(tmp_path / "cut.gz")])


def test_the_three_hold_the_same(tmp_path: Path) -> None:
    """Records of a folder, as objects and as lines of output, with a broken one each."""
    rows: list[Json] = [
        {"id": str(n), "at": NOW.isoformat(), "row": {"question": f"{n}?"}, "answer": {}}
        for n in range(20)
    ]
    folder, url = tmp_path / "logs", f"memory://{uuid.uuid4().hex}"
    folder.mkdir()
    text = "".join(json.dumps(row) + "\n" for row in rows) + '{"id": "half\n'
    (folder / "predictions-20260131.jsonl").write_text(text, "utf-8")
    Storage(url).write("predictions-20260131/1.jsonl", text.encode())
    said = "".join(f'{{"kind":"predictions",{line[1:]}\n' for line in text.splitlines())
    (tmp_path / "collected").write_text(said, "utf-8")

    found = [read(str(folder), []), read(url, []), read("-", [str(tmp_path / "collected")])]

    assert [len(window.answers) for window in found] == [20, 20, 20]
    assert [window.broken for window in found] == [1, 1, 1]
    assert kept(found[0]) == kept(found[1]) == kept(found[2])


@pytest.mark.parametrize(("rule", "logged"), [("false", None), ("true", "It sleeps for 14 hours.")])
def test_the_log_has_an_answer_only_where_the_contract_says_so(
    tmp_path: Path, rule: str, logged: str | None
) -> None:
    store = stored(tmp_path, f"{CONTRACT}[privacy]\nlog_answers = {rule}\n")
    with playing(GOOD) as server:
        logs = str(tmp_path / "logs")
        reply, _ = ask(store, {"question": QUESTION}, {}, llm_url=server.url, prediction_log=logs)

    assert reply.status_code == 200
    [file] = Path(logs).iterdir()
    assert json.loads(file.read_text("utf-8"))["answer"].get("answer") == logged


def test_answers_are_not_logged_without_their_questions() -> None:
    with pytest.raises(ContractError, match="an answer would say what was asked"):
        parse_contract("[privacy]\nlog_questions = false\nlog_answers = true\n")
