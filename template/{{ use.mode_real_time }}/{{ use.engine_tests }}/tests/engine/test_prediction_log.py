"""The log is written in the background; a disk that is full or read-only stops nothing."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.serving import prediction_log

Record = dict[str, Any]


@contextmanager
def log_in(folder: Path) -> Iterator[tuple[Any, list[int]]]:
    """A started log, and the counts of what it dropped."""
    dropped: list[int] = []
    log = prediction_log.PredictionLog(str(folder), 1, dropped.append)
    log.start()
    try:
        yield log, dropped
    finally:
        log.stop()


def written(folder: Path, kind: str = "predictions") -> list[Record]:
    files = sorted(folder.glob(f"{kind}-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_what_was_taken_is_written_before_the_end(tmp_path: Path) -> None:
    records = [{"id": str(number)} for number in range(1000)]

    with log_in(tmp_path / "logs") as (log, dropped):
        for record in records:
            log.add("predictions", [record])
        log.add("outcomes", [{"id": "0"}, {"id": "1"}])

    assert written(tmp_path / "logs") == records
    assert written(tmp_path / "logs", "outcomes") == [{"id": "0"}, {"id": "1"}]
    assert not dropped


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights in another way")
def test_nobody_outside_the_group_reads_the_log(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with log_in(tmp_path / "new/logs") as (log, _):
            log.add("predictions", [{"id": "0"}])
    finally:
        os.umask(before)

    made = [*(tmp_path / "new").rglob("*"), tmp_path / "new"]
    assert {oct(path.stat().st_mode & 0o777) for path in made} == {"0o750", "0o640"}
    assert len(made) == 3


def test_nothing_is_written_when_the_log_is_off(tmp_path: Path) -> None:
    log = prediction_log.PredictionLog("", 1, print)
    log.start()
    log.add("predictions", [{"id": "1"}])
    log.stop()

    assert not log.is_on
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_reported_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    folder.write_text("a file where the folder should be")

    with log_in(folder) as (log, dropped):
        for _ in range(3):
            log.add("predictions", [{"id": "1"}, {"id": "2"}])
            wait_for(lambda: not log._waiting)
        wait_for(lambda: sum(dropped) == 6)
        assert not log.is_writable
        folder.unlink()
        log.add("predictions", [{"id": "3"}])
        wait_for(lambda: log.is_writable)

    assert written(folder) == [{"id": "3"}]
    assert [r.levelname for r in caplog.records] == ["ERROR", "WARNING"]


def test_a_full_disk_leaves_no_half_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # half of a compiled module would stay

    with log_in(tmp_path) as (log, dropped):
        log.add("predictions", [{"id": "kept"}])
        wait_for(lambda: written(tmp_path))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            log.add("predictions", [{"id": "x" * 100}] * 50)
            wait_for(lambda: dropped)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        log.add("predictions", [{"id": "later"}])

    assert dropped == [50]
    assert written(tmp_path) == [{"id": "kept"}, {"id": "later"}]


def test_what_is_kept_is_on_the_disk_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.write_text("a file where the folder should be")
    log = prediction_log.PredictionLog(str(folder), 1, print)

    with pytest.raises(OSError, match="exists"):
        log.keep("outcomes", [{"id": "lost"}])
    assert not log.is_writable
    folder.unlink()
    log.keep("outcomes", [{"id": "1"}, {"id": "2"}])

    assert log.is_writable
    assert written(folder, "outcomes") == [{"id": "1"}, {"id": "2"}]


def test_half_of_what_should_be_kept_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    log = prediction_log.PredictionLog(str(tmp_path), 1, print)
    log.keep("outcomes", [{"id": "before"}])
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="large"):
            log.keep("outcomes", [{"id": "x" * 100}] * 50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))

    assert written(tmp_path, "outcomes") == [{"id": "before"}]


def test_an_outcome_is_forced_to_the_disk_and_so_is_the_name_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[tuple[int, int]] = []

    def note(handle: int) -> None:
        found = os.fstat(handle)
        forced.append((found.st_ino, found.st_size))

    monkeypatch.setattr(os, "fsync", note)
    log = prediction_log.PredictionLog(str(tmp_path), 1, print)
    log.add("predictions", [{"id": "1"}])
    log.flush()
    assert not forced
    log.keep("outcomes", [{"id": "1"}])

    [file] = tmp_path.glob("outcomes-*")
    assert forced[0] == (file.stat().st_ino, file.stat().st_size)
    assert [number for number, _ in forced[1:]] == [tmp_path.stat().st_ino]


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    log = prediction_log.PredictionLog(str(tmp_path), 1, print)
    log.keep("outcomes", [{"id": "before"}])
    [file] = tmp_path.glob("outcomes-*")
    with file.open("ab") as stream:
        stream.write(b'{"id": "cut o')  # as a kill or a power failure leaves it
    log.keep("outcomes", [{"id": "after"}])
    log.keep("outcomes", [{"id": "last"}])

    whole = [b'{"id":"before"}', b'{"id": "cut o', b'{"id":"after"}', b'{"id":"last"}']
    assert file.read_bytes().splitlines() == whole


def test_the_oldest_files_go_when_the_folder_is_full(tmp_path: Path) -> None:
    (tmp_path / "predictions-20000101.jsonl").write_text('{"id": "old"}\n' * 1000)
    (tmp_path / "something else.txt").write_text("x" * 100_000)

    log: Any = prediction_log.PredictionLog(str(tmp_path), 1, print)
    log.to.most_bytes = 20_000
    for number in range(100):
        log.add("predictions", [{"id": f"{number:01000d}"}])
        log.add("outcomes", [{"id": f"{number}"}])
        log.flush()

    kept = [int(record["id"]) for record in written(tmp_path)]
    assert kept == list(range(kept[0], 100))
    assert sum(f.stat().st_size for f in tmp_path.glob("*.jsonl")) <= 20_000
    assert len(written(tmp_path, "outcomes")) == 100
    assert (tmp_path / "something else.txt").exists()


def test_a_disk_that_stands_still_costs_no_more_than_the_allowed_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_log, "MOST_WAITING", 10_000)
    dropped: list[int] = []
    log = prediction_log.PredictionLog(str(tmp_path), 1, dropped.append)

    for _ in range(100):
        log.add("predictions", [{"id": "x" * 990}])

    assert len(log._waiting) + len(dropped) == 100
    assert log._bytes <= 10_000
