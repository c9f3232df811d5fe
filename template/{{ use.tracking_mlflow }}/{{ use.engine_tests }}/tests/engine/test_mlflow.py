"""MLflow by itself: a server of our own, one that is down, and what must never be shown."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.errors import StorageError
from engine.core.settings import Settings
from engine.tracking import backend as tracking
from engine.tracking import mlflow_store
from engine.tracking import sync as track
from tools import ui

from . import small_bundle
from .test_tracking import Project


@contextmanager
def server(folder: Path, port: int) -> Iterator[None]:
    """MLflow's server, as `run.py ui` starts it, over a database in `folder`."""
    folder.mkdir(exist_ok=True)
    mlflow_store.prepare()
    process = subprocess.Popen(
        ui.command(f"sqlite:///{folder}/mlflow.db", port),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "errors.txt").open("w"),
        start_new_session=True,
    )
    try:
        give_up = time.monotonic() + 120
        while not is_up(port):
            assert process.poll() is None, (folder / "errors.txt").read_text()
            assert time.monotonic() < give_up, "MLflow's server did not start"
            time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it would wait for our open connections
        process.wait(30)


def is_up(port: int) -> bool:
    """Whether a server answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
    return number


@pytest.mark.skipif(os.name == "nt", reason="ends the server by its process group")
def test_a_server_gets_everything_and_its_absence_loses_nothing(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path)
    project.config = Settings(store=project.config.store, tracking_url=f"http://127.0.0.1:{port}")
    with server(tmp_path / "server", port):
        project.train("run-1")
        project.books.promote()
        tracking.mirror(project.config, project.books.state())
        assert tracking.find(project.config, "run-1").metrics == small_bundle.METRICS
        assert len(tracking.find(project.config, "run-1").artifacts) == 4
        assert tracking.aliases(project.config) == {"champion": 1}
        assert capsys.readouterr().err == ""

    project.train("run-2")
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2
    assert all(line.startswith(f"warning: MLflow at http://127.0.0.1:{port}") for line in warnings)
    assert all("python3 run.py track" in line for line in warnings)
    assert project.books.state().challenger == 2
    with pytest.raises(StorageError, match="MLflow at"):
        track.sync(project.config)

    with server(tmp_path / "server", port):
        assert track.sync(project.config) == ["run-2"]
        assert tracking.aliases(project.config) == {"champion": 1, "challenger": 2}


def test_a_run_that_was_half_logged_is_logged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    with monkeypatch.context() as patch, mlflow_store.client(project.config) as client:
        patch.setattr(type(client), "log_artifacts", broken_pipe)
        project.train("run-1")
        assert mlflow_store.run(client, project.config, "run-1") is None

    assert track.sync(project.config) == ["run-1"]
    assert len(tracking.find(project.config, "run-1").artifacts) == 4


def broken_pipe(*_: object) -> None:
    """What a process that dies in the middle looks like."""
    raise BrokenPipeError("broken pipe")


def test_a_missing_mlflow_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    project = Project(tmp_path)

    project.train("run-1")

    assert "MLflow is not installed here" in capsys.readouterr().err
    assert project.books.promote() == 1


def test_a_password_in_the_address_is_never_shown(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Settings(
        store=str(tmp_path / "store"), tracking_url=f"http://me:{'secret'}@127.0.0.1:{port}"
    )

    tracking.mirror(config, Project(tmp_path).books.state())

    assert "secret" not in capsys.readouterr().err + tracking.where(config)


def test_telemetry_is_off_and_waiting_is_short() -> None:
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}; "
        f"from engine.tracking import mlflow_store; mlflow_store.prepare(); "
        "from mlflow import environment_variables as variables; "
        "assert variables.MLFLOW_DISABLE_TELEMETRY.get(); "
        "assert variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() == 1"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
