"""A cluster by one setting: a real one on this machine, with master, worker and executor."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyspark
import pytest

from engine.batch import runner as engine
from engine.batch import work

from .batch_jobs import config, require_each_row_once, rows_file, verb
from .conftest import CONTRACTS
from .made_up import inside
from .test_spark_start import closed_port

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])

SPARK = Path(pyspark.__file__).parent


@pytest.fixture
def project(trained: Path, tmp_path: Path, any_contract: Any) -> Path:
    """A trained project with an input, in a folder that all processes see."""
    folder = Path(shutil.copytree(trained, tmp_path / "project"))
    rows_file(folder, any_contract)
    return folder


Start = Callable[..., None]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a part of Spark's standalone mode; it ends with the test."""
    with ExitStack() as stack:

        def one(name: str, *words: str) -> None:
            place = tmp_path / name
            place.mkdir()
            program = f"org.apache.spark.deploy.{name.lower()}.{name}"
            command = [str(SPARK / "bin/spark-class"), program, *words, "--webui-port", "0"]
            env = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1"}
            log = stack.enter_context((place / "log").open("wb"))
            process = subprocess.Popen(
                command, cwd=place, env=env, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(process.wait)
            stack.callback(os.killpg, process.pid, signal.SIGKILL)

        yield one


def until(is_so: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait for something, not for ever."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def has(file: Path, words: str) -> bool:
    """Whether a log holds these words."""
    return file.exists() and words in file.read_text(errors="replace")


def start_master(start: Start, folder: Path, port: int) -> None:
    """A master that answers."""
    start("Master", "--host", "127.0.0.1", "--port", str(port))
    until(lambda: has(folder / "Master/log", "I have been elected leader"), "no master")


def start_worker(start: Start, folder: Path, master: str) -> None:
    """A worker with two cores; its executors work in `work`."""
    more = ["--cores", "2", "--memory", "2g", "--work-dir", str(folder / "work")]
    start("Worker", "--host", "127.0.0.1", *more, master)


def test_a_cluster_scores_every_row_once_in_processes_of_its_own(
    project: Path, tmp_path: Path, start: Start
) -> None:
    master = f"spark://127.0.0.1:{(port := closed_port())}"
    start_master(start, tmp_path, port)
    start_worker(start, tmp_path, master)

    process = verb(project, "batch", "rows.csv", env={"APP_MASTER": master, "APP_PART_ROWS": "70"})
    said = process.communicate(timeout=300)[0]

    assert process.returncode == 0, said
    assert "500 of 500 rows scored by version 1" in said
    require_each_row_once(project / "predictions", 500)
    [executor] = (tmp_path / "work").glob("app-*/0")
    assert has(executor / "stderr", "Running task 7.0 in stage 0.0")


def test_a_cluster_without_a_worker_is_waited_for_and_says_so(
    project: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = f"spark://127.0.0.1:{(port := closed_port())}"
    start_master(start, tmp_path, port)
    said: list[str] = []
    late = threading.Timer(100, start_worker, [start, tmp_path, master])  # or it waits for ever

    def told(text: str, file: Any) -> None:
        assert file is sys.stderr
        said.append(text)
        late.cancel()
        start_worker(start, tmp_path, master)

    monkeypatch.setattr(engine, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(engine.tqdm, "write", told)

    late.start()
    with inside(project):
        work.score(config(master=master), "rows.csv", engine.score)

    assert said == [engine.WAITING]
    require_each_row_once(project / "predictions", 500)
