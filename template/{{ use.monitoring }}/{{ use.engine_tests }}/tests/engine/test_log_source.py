"""The prediction log is read from a folder, an object store, and whatever a platform collected."""

import gzip
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.commands import monitor
from engine.core.errors import SettingsError, StorageError
from engine.core.storage import Storage
from engine.monitoring import log as logbook
from engine.monitoring.source import Collected, Source, Stored, source

from .made_up import inside
from .made_up_log import END, answers, register, write

OWN = Path(__file__).parents[2] / "contract.toml"
DAY = timedelta(hours=24)
Line = dict[str, Any]


@pytest.fixture
def folder(any_contract: Any, tmp_path: Path) -> Path:
    """A log with 60 predictions and 30 outcomes."""
    write(tmp_path / "logs", any_contract, answers(any_contract, 60, 0))
    return tmp_path / "logs"


def said(folder: Path) -> list[Line]:
    """The same log as lines of standard output."""
    return [
        {"kind": path.name.partition("-")[0], **json.loads(line)}
        for path in sorted(folder.iterdir(), reverse=True)
        for line in path.read_text("utf-8").splitlines()
    ]


def dump(line: object) -> str:
    return json.dumps(line, separators=(",", ":"))


WRAPPED: dict[str, Callable[[list[Line]], str]] = {
    "as it was": lambda lines: "".join(f"{dump(each)}\n" for each in lines),
    "kubectl logs --prefix --timestamps": lambda lines: "".join(
        f"[pod/model-1/server] 2026-01-31T11:00:00.5Z {dump(each)}\n" for each in lines
    ),
    "docker compose logs": lambda lines: "".join(f"server-1  | {dump(each)}\n" for each in lines),
    "json-file of Docker": lambda lines: "".join(
        dump({"log": f"{dump(each)}\n", "stream": "stdout", "time": "now"}) + "\n" for each in lines
    ),
    "aws logs filter-log-events": lambda lines: json.dumps(
        {"events": [{"logStreamName": "a", "message": dump(each) + "\n"} for each in lines]},
        indent=4,
    ),
    "JSON of Lambda": lambda lines: "".join(
        dump({"timestamp": "now", "message": each}) + "\n" for each in lines
    ),
    "gcloud logging read": lambda lines: json.dumps(
        [{"insertId": "a", "jsonPayload": dict(sorted(each.items()))} for each in lines], indent=2
    ),
    "a sink of Cloud Logging": lambda lines: "".join(
        dump({"jsonPayload": each, "severity": "INFO"}) + "\n" for each in lines
    ),
    "text of Cloud Logging": lambda lines: dump([{"textPayload": dump(each)} for each in lines]),
    "Fluent Bit over CRI": lambda lines: "".join(
        dump({"log": f"2026-01-31T11:00:00Z stdout F {dump(each)}"}) + "\n" for each in lines
    ),
}


def held(log: Source) -> tuple[int, int, int, int]:
    """How much a log holds: predictions, broken ones, outcomes, predictions with an outcome."""
    window = logbook.window(log, END - DAY, END, 1)
    outcomes = logbook.outcomes(log, END)
    known = list(logbook.predictions(log, outcomes))
    return window.count, window.broken, len(outcomes), len(known)


def rows(log: Source) -> list[Line]:
    """The rows that were asked for."""
    return [json.loads(bytes(row)) for row in logbook.window(log, END - DAY, END, 1).rows]


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_collected_output_holds_what_the_folder_held(
    folder: Path, tmp_path: Path, wrap: Callable[[list[Line]], str]
) -> None:
    file = tmp_path / "collected"
    file.write_text(wrap(said(folder)), "utf-8")

    assert held(Collected([str(file)])) == held(Stored(folder)) == (60, 0, 30, 30)
    assert rows(Collected([str(file)])) == rows(Stored(folder))


def test_other_lines_are_no_records_and_broken_ones_are_counted(
    folder: Path, tmp_path: Path
) -> None:
    lines = [dump(each) for each in said(folder)]
    lines[1:1] = [
        "serving on http://0.0.0.0:8000",
        "",
        "{not JSON",
        "[" * 2000,
        dump({"message": "kind of predictions", "kind": "else"}),
        dump({"jsonPayload": {"kind": "audit", "id": "1"}}),
        "12",
        "null",
        dump({"message": lines[2][:50]}),  # cut off by the platform
        lines[3][:50],
    ]
    (tmp_path / "collected").write_text("\n".join(lines), "utf-8")

    assert held(Collected([str(tmp_path / "collected")])) == (60, 2, 30, 30)


def test_several_files_also_packed_ones_are_one_log(folder: Path, tmp_path: Path) -> None:
    lines = [f"{dump(each)}\n" for each in said(folder)]
    (tmp_path / "a").write_text("".join(lines[:40]), "utf-8")
    with gzip.open(tmp_path / "b.gz", "wt") as stream:
        stream.writelines(lines[40:])

    assert held(Collected([str(tmp_path / "a"), str(tmp_path / "b.gz")])) == (60, 0, 30, 30)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:-12])
    (tmp_path / "no.gz").write_bytes(b"no gzip at all")

    for name in ("missing", "cut.gz", "no.gz"):
        with pytest.raises(StorageError, match=f"{name} cannot be read"):
            list(Collected([str(tmp_path / name)]).lines("predictions"))


def test_an_object_store_holds_what_the_folder_held(folder: Path) -> None:
    url = f"memory://{uuid.uuid4().hex}"
    store = Storage(url)
    for path in folder.iterdir():
        kind, day = path.stem.split("-")
        for number, line in enumerate(path.read_bytes().splitlines(keepends=True)):
            name = f"{kind}-{day}-batch.jsonl" if not number else f"{kind}-{day}/{number}.jsonl"
            store.write(name, line)
    store.write("something else/1.jsonl", b"{}")

    assert held(Stored(url)) == held(Stored(folder)) == (60, 0, 30, 30)


def test_days_before_the_window_are_not_read() -> None:
    url = f"memory://{uuid.uuid4().hex}"
    for day in ("20260130", "20260131"):
        Storage(url).write(f"predictions-{day}/1.jsonl", day.encode())
        Storage(url).write(f"predictions-{day}-batch.jsonl", day.encode())

    assert set(Stored(url).lines("predictions", "20260131")) == {b"20260131"}
    assert len(list(Stored(url).lines("predictions"))) == 4


@pytest.mark.parametrize(
    ("setting", "message"), [("", "prediction_log is empty"), ("-", "monitor --log FILE")]
)
def test_a_log_that_is_not_here_is_one_line_with_the_way_out(setting: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        source(setting, [])
    assert source(setting, ["a file"]).name == "a file"


def test_the_verb_reads_what_was_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APP_PREDICTION_LOG", "-")
    with inside(tmp_path):
        contract = register(tmp_path, OWN)
        write(Path("folder"), contract, answers(contract, 600, 0), end=datetime.now(UTC))
        Path("collected").write_text(WRAPPED["docker compose logs"](said(Path("folder"))), "utf-8")
        Path("nothing").write_text("serving on\n", "utf-8")

        assert monitor.main(["monitor", "--log", "collected", "nothing"]) == 0
        assert "version 1, 600 rows in the last 24h" in capsys.readouterr().out
        assert monitor.main(["monitor", "--log", "nothing"]) == 0
        assert "no predictions in nothing in the last 24h" in capsys.readouterr().out
