"""Few rows need no engine; and the bar tells how fast rows are scored, not how fast one starts."""

import time
from pathlib import Path
from typing import Any

import pytest

from engine.batch import job as jobs
from engine.batch import work
from engine.core.errors import NoRoomError, StorageError
from engine.core.storage import Storage

from .batch_jobs import config, outcome, require_each_row_once, rows_file
from .conftest import CONTRACTS
from .made_up import inside

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
ROWS = 500


@pytest.fixture
def project(trained: Path, any_contract: Any, tmp_path: Path) -> Path:
    """A project with a champion and a file to score."""
    (tmp_path / "store").symlink_to(trained / "store")
    (tmp_path / "contract.toml").symlink_to(trained / "contract.toml")
    (tmp_path / "data").mkdir()
    rows_file(tmp_path, any_contract, ROWS)
    return tmp_path


def engine(left: list[int]) -> Any:
    """One that begins with what is near, as each does, and takes down what it is left with."""

    def score(settings: Any, job: Any, parts: Any, done: Any) -> None:
        rest = work.near(settings, job, parts, done)
        left.extend(part.number for part in rest)
        work.here(settings, job, rest, done)

    return score


@pytest.mark.parametrize(("most", "parts"), [(ROWS, []), (ROWS - 1, [*range(8)])])
def test_so_few_rows_are_scored_without_an_engine(
    project: Path, most: int, parts: list[int]
) -> None:
    left: list[int] = []
    with inside(project):
        work.score(config(small_rows=most), "rows.csv", engine(left))

    assert left == parts
    require_each_row_once(project / "predictions", ROWS)


def test_a_run_that_was_killed_may_go_on_without_an_engine(project: Path) -> None:
    """What is left decides, not how large the file is; every row ends once."""
    left: list[int] = []

    def killed(settings: Any, job: Any, parts: Any, done: Any) -> None:
        work.here(settings, job, parts[:6], done)
        raise KeyboardInterrupt

    with inside(project):
        with pytest.raises(KeyboardInterrupt):
            work.score(config(small_rows=0), "rows.csv", killed)
        work.score(config(small_rows=100), "rows.csv", engine(left))

    assert left == []
    require_each_row_once(project / "predictions", ROWS)


def test_a_storage_that_fails_is_left_to_the_engine(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []
    write, calls = Storage.write, [0]

    def fails_once(self: Storage, name: str, content: bytes) -> None:
        calls[0] += name.startswith("predictions/part-00003")
        if calls[0] == 1 and name.startswith("predictions/part-00003"):
            raise StorageError("the storage does not answer")
        write(self, name, content)

    monkeypatch.setattr(Storage, "write", fails_once)
    with inside(project):
        work.score(config(small_rows=ROWS), "rows.csv", engine(left))

    assert left == [3, 4, 5, 6, 7]
    require_each_row_once(project / "predictions", ROWS)


def test_a_full_disk_is_said_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Storage, name: str, _content: bytes) -> None:
        raise NoRoomError(f"{self.url}/{name}: no space left")

    with inside(project):
        settings = config(small_rows=ROWS)
        job = jobs.plan(settings, "rows.csv")
        monkeypatch.setattr(Storage, "write", full)
        with pytest.raises(NoRoomError):
            work.near(settings, job, jobs.to_do(job), lambda _: None)


def test_the_bar_begins_when_the_engine_has_started(project: Path) -> None:
    begun: list[float] = []

    def slow_to_start(settings: Any, job: Any, parts: Any, done: Any) -> None:
        time.sleep(0.3)
        before = time.time()
        work.begin(done)
        begun.extend([before, done._bar.start_t])
        work.here(settings, job, parts, done)
        begun.append(done._bar.n)

    with inside(project):
        work.score(config(), "rows.csv", slow_to_start)

    assert begun[1] >= begun[0]
    assert begun[2] == ROWS
    assert outcome(project / "predictions")[2]["rows"] == ROWS
