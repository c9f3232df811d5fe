"""The flow: a part that fails is tried again, what cannot pass is not, and no server is left."""

import logging
import os
import shutil
import signal
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prefect.task_runners import ThreadPoolTaskRunner

from engine.batch import runner as engine
from engine.batch import scorer, work
from engine.batch.input.file import ChangedError
from engine.commands import start as serving
from engine.core.errors import BundleError, NoRoomError, StorageError

from .batch_engine import environment
from .batch_jobs import config, outcome, require_each_row_once, rows_file, verb
from .conftest import CONTRACTS
from .made_up import inside

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def project(trained: Path, tmp_path: Path, any_contract: Any) -> Path:
    """A trained project with an input."""
    folder = Path(shutil.copytree(trained, tmp_path / "project"))
    rows_file(folder, any_contract)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> str:
    """A server that is there already, given as a real one is."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return environment()["PREFECT_API_URL"]


class Flaky:
    """A scorer whose storage fails now and then."""

    def __init__(self, job: Any, failures: int, error: Exception) -> None:
        self._real, self.left, self.error = scorer.scorer(job), failures, error
        self.calls = 0

    def part(self, job: Any, part: Any) -> None:
        self.calls += 1
        if self.left > 0:
            self.left -= 1
            raise self.error
        self._real.part(job, part)


def run(
    project: Path, monkeypatch: pytest.MonkeyPatch, failures: int, error: Exception, **more: Any
) -> Flaky:
    """Score with a scorer that fails so often."""
    made: list[Flaky] = []

    def flaky(job: Any) -> Flaky:
        if not made:
            made.append(Flaky(job, failures, error))
        return made[0]

    monkeypatch.setattr(engine, "scorer", flaky)
    settings = config(**{"retry_seconds": 0.05, "workers": 1, **more})
    with inside(project):
        try:
            work.score(settings, "rows.csv", engine.score)
        finally:
            made[0].left = 0
    return made[0]


@pytest.mark.usefixtures("server")
def test_a_storage_that_fails_three_times_costs_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = StorageError("the storage does not answer")

    made = run(project, monkeypatch, 3, error)

    assert made.calls == 8 + 3
    require_each_row_once(project / "predictions", 500)


@pytest.mark.usefixtures("server")
def test_one_that_fails_for_good_stops_with_its_own_words_and_keeps_the_rest(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError, match="no answer"):
        run(project, monkeypatch, 2, StorageError("no answer"), retries=1)

    scored, _, manifest = outcome(project / "predictions")
    assert len(scored) == 500 - 70
    assert not manifest


@pytest.mark.usefixtures("server")
def test_what_no_retry_can_mend_is_not_tried_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match="altered"):
        run(project, monkeypatch, 1, BundleError("the bundle was altered"))

    assert len(outcome(project / "predictions")[0]) == 500 - 70


def test_prefect_knows_every_part(
    project: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    def known() -> int:
        question = urllib.request.Request(f"{server}/task_runs/count", b"{}", JSON)
        with urllib.request.urlopen(question, timeout=30) as answer:
            return int(answer.read())

    before = known()

    run(project, monkeypatch, 0, StorageError())

    end = time.monotonic() + 60  # the server of a busy machine counts some later
    while known() < before + 8 and time.monotonic() < end:
        time.sleep(0.2)
    assert known() == before + 8


@pytest.mark.usefixtures("server")
def test_a_full_disk_is_said_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoRoomError, match="full"):
        run(project, monkeypatch, 1, NoRoomError("the disk is full"), retry_seconds=600)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("error", [NoRoomError("full"), ChangedError("another file")])
def test_what_befalls_every_part_leaves_the_rest_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    given_up, asked = threading.Event(), list[int]()
    real = ThreadPoolTaskRunner.cancel_all

    def cancel(runner: Any) -> None:
        given_up.set()
        real(runner)

    class Broken:
        def part(self, _job: Any, part: Any) -> None:
            """The first one fails, the second one takes as long as it takes to give up."""
            asked.append(part.number)
            if len(asked) == 1:
                raise error
            if len(asked) == 2:
                given_up.wait(60)

    monkeypatch.setattr(ThreadPoolTaskRunner, "cancel_all", cancel)
    monkeypatch.setattr(engine, "scorer", lambda _: Broken())
    with inside(project), pytest.raises(type(error), match=str(error)):
        work.score(config(workers=1), "rows.csv", engine.score)

    assert asked in ([0], [0, 1])


@pytest.mark.usefixtures("server")
def test_an_error_of_the_project_is_logged_without_a_traceback(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = list[Any]()
    monkeypatch.setattr(logging.LoggerAdapter, "exception", lambda *said, **_: traced.append(said))

    with pytest.raises(BundleError, match="altered"):
        run(project, monkeypatch, 1, BundleError("the bundle was altered"))

    assert not traced


def test_a_killed_run_leaves_no_server(project: Path) -> None:
    """The default: a server of its own, which nobody but the run could end."""
    env = {"PREFECT_API_URL": "", "APP_PART_ROWS": "1"}
    process = verb(project, "batch", "rows.csv", env=env)
    end = time.monotonic() + 300
    while not list(project.glob("predictions/*/predictions/*.parquet")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)
    [server] = servers(project)

    os.kill(process.pid, signal.SIGKILL)

    process.communicate()
    while server in servers(project) and time.monotonic() < end:
        time.sleep(0.05)
    assert not servers(project)


def servers(project: Path) -> list[int]:
    """The processes that work in the project and serve Prefect (Linux only)."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            is_here = (place / "cwd").resolve() == project.resolve()
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if is_here and b"batch.prefect.server" in command:
            found.append(int(place.name))
    return found


@pytest.mark.usefixtures("server")
def test_up_scores_and_shows_the_predictions(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with inside(project):
        assert serving.up(config(), once=True) == 0

    said = capsys.readouterr().out
    assert "400 of 400 rows scored by version 1" in said
    assert "probability" in said
    assert "python3 run.py batch data/rows.csv" in said
