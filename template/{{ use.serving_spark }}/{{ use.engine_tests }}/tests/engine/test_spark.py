"""Spark: a part that fails is tried again, what cannot pass is not, and one model serves many."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.batch import job, work
from engine.batch import runner as engine
from engine.commands import start as serving
from engine.core.errors import BundleError, StorageError

from .batch_jobs import config, outcome, require_each_row_once, rows_file, verb
from .conftest import CONTRACTS
from .made_up import inside

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])

FAST = {"master": "local[2]", "retry_seconds": 0.1}


@pytest.fixture
def project(trained: Path, tmp_path: Path, any_contract: Any) -> Path:
    """A trained project with an input."""
    folder = Path(shutil.copytree(trained, tmp_path / "project"))
    rows_file(folder, any_contract)
    return folder


def processes(project: Path, *words: bytes) -> list[int]:
    """The processes that work in the project and have these words in their call (Linux only)."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            is_here = (place / "cwd").resolve() == project.resolve()
            command = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if is_here and all(word in command for word in words):
            found.append(int(place.name))
    return found


def test_each_process_loads_the_model_once_for_all_its_parts(project: Path) -> None:
    reports: list[Any] = []

    def kept(*words: Any) -> None:
        reports.extend(engine.run(*words))

    with inside(project):
        work.score(config(part_rows=10, **FAST), "rows.csv", kept)

    loads = {report.process: report.loads for report in reports}
    assert sorted(report.part for report in reports) == list(range(50))
    assert {*loads.values()} == {1}
    assert os.getpid() not in loads
    assert len(loads) <= 2
    require_each_row_once(project / "predictions", 500)


def blocked(project: Path, retries: int, mend: bool) -> list[int]:
    """Score while a folder is in the place of part 3, perhaps until the others are done."""
    done: list[int] = []
    settings = config(**{**FAST, "retry_seconds": 1.0, "retries": retries})
    with inside(project):
        found = job.plan(settings, "rows.csv")
        obstacle = Path(job.place(found).path(job.name("predictions", found.layout.parts[3])))
        obstacle.mkdir(parents=True)

        def note(part: Any) -> None:
            done.append(part.number)
            if mend and len(done) == 7:
                obstacle.rmdir()

        try:
            engine.score(settings, found, list(found.layout.parts), note)
        finally:
            if obstacle.is_dir():
                obstacle.rmdir()
    return done


def test_a_storage_that_fails_for_a_while_costs_nothing(project: Path) -> None:
    done = blocked(project, retries=5, mend=True)

    assert done[-1] == 3
    assert sorted(done) == list(range(8))
    assert len(outcome(project / "predictions")[0]) == 500


def test_one_that_fails_for_good_stops_with_its_own_words_and_keeps_the_rest(project: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*part-00003.parquet: "):
        blocked(project, retries=1, mend=False)

    assert len(outcome(project / "predictions")[0]) == 500 - 70


def test_what_no_retry_can_mend_is_not_tried_again(project: Path) -> None:
    settings = config(**{**FAST, "retry_seconds": 300.0})
    with inside(project):
        found = job.plan(settings, "rows.csv")
        wrong = msgspec.structs.replace(found, run_id="another")
        began = time.monotonic()

        with pytest.raises(BundleError, match="is not the one of this job"):
            engine.score(settings, wrong, list(found.layout.parts), lambda _: None)

    assert time.monotonic() - began < 300


def test_a_mistake_in_the_code_comes_with_the_place_where_it_happened(project: Path) -> None:
    settings = config(retries=0, **FAST)
    with inside(project):
        found = msgspec.structs.replace(job.plan(settings, "rows.csv"), log_step="many")
        parts = found.layout.parts[:1]

        with pytest.raises(RuntimeError, match=r'(?s)scorer.py", line .*TypeError'):
            engine.score(settings, found, parts, lambda _: None)


def start(project: Path, **env: str) -> Any:
    """A run of 100 parts in a process of its own, once the first of them is there."""
    process = verb(project, "batch", "rows.csv", env={"APP_PART_ROWS": "5", **env})
    end = time.monotonic() + 300
    while not list(project.glob("predictions/*/predictions/*.parquet")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)
    return process


def test_a_process_that_dies_costs_another_attempt(project: Path) -> None:
    process = start(project)
    for worker in processes(project, b"pyspark.daemon"):
        os.kill(worker, signal.SIGKILL)

    said = process.communicate(timeout=300)[0]

    assert process.returncode == 0, said
    require_each_row_once(project / "predictions", 500)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_ends_early_leaves_no_process(project: Path, how: signal.Signals) -> None:
    process = start(project)
    [java] = processes(project, b"java", b"org.apache.spark.deploy.SparkSubmit")
    assert processes(project, b"pyspark.daemon")

    end_it = os.killpg if how == signal.SIGINT else os.kill  # as Ctrl-C in a terminal does
    end_it(process.pid, how)

    process.communicate(timeout=60)
    end = time.monotonic() + 60
    while processes(project) and time.monotonic() < end:
        time.sleep(0.05)
    assert not processes(project), java
    assert process.returncode in (-how, 130)
    assert len(outcome(project / "predictions")[0]) < 500


def test_up_scores_and_shows_the_predictions(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with inside(project):
        assert serving.up(config(**FAST), once=True) == 0

    said = capsys.readouterr().out
    assert "400 of 400 rows scored by version 1" in said
    assert "probability" in said
    assert "python3 run.py batch data/rows.csv" in said


def test_a_terminal_sees_the_progress_and_the_result_and_nothing_of_java(project: Path) -> None:
    process = verb(project, "batch", "rows.csv", env={"APP_PART_ROWS": "70"})

    said = process.communicate(timeout=300)[0]

    assert not processes(project)
    lines = [line for line in said.replace("\r", "\n").splitlines() if line.strip()]
    assert lines.pop().startswith("500 of 500 rows scored by version 1, 0 rejected: ")
    assert lines
    assert all(line.startswith("rows.csv:") for line in lines), said
