"""W&B by itself: the shared claims with a server, what is sent without one, and what goes wrong."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.errors import RunError, StorageError
from engine.core.settings import Settings
from engine.tracking import backend as tracking
from engine.tracking import sync as track
from engine.tracking import wandb_record, wandb_store

from . import small_bundle, wandb_stand_in
from .test_tracking import (  # noqa: F401  (once more, with the `project` of this file)
    Project,
    test_a_run_is_found_with_all_it_logged,
    test_aliases_follow_every_change,
    test_an_unknown_run_is_refused,
    test_mirroring_again_changes_nothing,
    test_what_the_tracker_missed_is_sent_later,
)
from .wandb_stand_in import KEY, Held


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A stand-in for the server, and the key that opens it."""
    monkeypatch.setenv(wandb_store.KEY, KEY)
    with wandb_stand_in.server() as held:
        yield held


@pytest.fixture
def project(server: Held, tmp_path: Path) -> Project:
    """A project with one run, sent to the server."""
    project = online(Project(tmp_path), server.address)
    project.train("run-1")
    return project


def online(project: Project, url: str) -> Project:
    """The project from the day on which a server is set."""
    project.config = Settings(store=project.config.store, tracking_url=url)
    return project


def test_the_bundle_on_the_server_is_that_of_the_store(project: Project, server: Held) -> None:
    for path in sorted((project.folder / "run-1").iterdir()):
        assert server.files[f"/artifacts/0/{path.name}"] == path.read_bytes()


def test_what_was_recorded_before_reaches_the_server_later(server: Held, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.train("run-1")
    project.train("run-2")
    project.books.promote(1)
    assert server.runs == {}

    online(project, server.address)

    assert track.sync(project.config) == ["run-1", "run-2"]
    assert tracking.find(project.config, "run-1").metrics == small_bundle.METRICS
    assert tracking.aliases(project.config) == {"champion": 1, "challenger": 2}
    assert track.sync(project.config) == []


def test_a_server_that_is_down_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(wandb_store.KEY, KEY)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    project = online(Project(tmp_path), f"http://127.0.0.1:{port}")

    project.train("run-1")

    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 2
    assert all(line.startswith(f"warning: W&B at http://127.0.0.1:{port}") for line in warnings)
    assert all("python3 run.py track" in line for line in warnings)
    assert project.books.state().challenger == 1
    with pytest.raises(StorageError, match="W&B at"):
        track.sync(project.config)
    with wandb_stand_in.server(port):
        assert track.sync(project.config) == ["run-1"]
        assert tracking.aliases(project.config) == {"challenger": 1}


def test_a_key_that_is_missing_or_wrong_is_a_warning(
    server: Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = online(Project(tmp_path), server.address)
    for key in ("", "local-" + "f" * 40):
        monkeypatch.setenv(wandb_store.KEY, key)
        tracking.mirror(project.config, project.books.state())
        said = capsys.readouterr().err
        assert said.count("warning: W&B") == 1
        assert (f"set {wandb_store.KEY} in the environment" in said) == (not key)
        assert "f" * 40 not in said


def test_the_key_is_written_nowhere(project: Project) -> None:
    written = [path for path in project.folder.rglob("*") if path.is_file()]

    assert any("wandb" in path.parts for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("with_server", [False, True])
def test_a_run_that_was_half_logged_is_logged_again(
    server: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_server: bool
) -> None:
    import wandb

    project = online(Project(tmp_path), server.address if with_server else "")
    with monkeypatch.context() as patch:
        patch.setattr(wandb.Artifact, "add_dir", broken_pipe)
        project.train("run-1")
    with pytest.raises(RunError):
        tracking.find(project.config, "run-1")

    assert track.sync(project.config) == ["run-1"]
    assert len(tracking.find(project.config, "run-1").artifacts) == 4


def test_a_run_logged_again_in_the_same_second_is_found(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.train("run-1")
    [folder] = wandb_store.folder(project.config).glob("offline-run-*-run-1")

    folder.rename(f"{folder}-1")  # the name that W&B gives to the second of them

    assert tracking.find(project.config, "run-1").metrics == small_bundle.METRICS


def broken_pipe(*_: object, **__: object) -> None:
    """What a process that dies in the middle looks like."""
    raise BrokenPipeError("broken pipe")


def test_a_record_of_many_blocks_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    config = Settings(store=str(tmp_path))
    large = {"words": "x" * 100_000}
    with (
        wandb_store.client(config) as wandb,
        wandb_store.run(wandb, config, "run-1", large) as run,
    ):
        (tmp_path / "bundle").mkdir()
        (tmp_path / "bundle/model.onnx").write_bytes(b"a model")
        bundle = wandb.Artifact("demo", "model")
        bundle.add_dir(str(tmp_path / "bundle"), policy="immutable")
        run.log_artifact(bundle)
    file = next((tmp_path / "wandb").glob("offline-run-*/*.wandb"))

    found = wandb_record.read(file)

    assert found
    assert found[0]["words"] == large["words"]
    assert found[2] == ["model.onnx"]
    for kept in (0, 3, 20_000, 70_000, file.stat().st_size - 5):
        cut = tmp_path / "cut.wandb"
        cut.write_bytes(file.read_bytes()[:kept])
        assert wandb_record.read(cut) is None


SENDS = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from engine.core.settings import Settings
from engine.tracking import backend as tracking
from tests.engine.test_tracking import Project

project = Project(Path({folder!r}))
project.config = Settings(store=project.config.store, tracking_url={url!r})
project.train("run-1")
project.books.promote()
tracking.mirror(project.config, project.books.state())
if not project.config.tracking_url:
    assert tracking.find(project.config, "run-1").metrics
"""


@pytest.mark.parametrize("url", ["", "http://wandb.invalid"])
def test_nothing_leaves_the_machine_until_a_server_is_set(tmp_path: Path, url: str) -> None:
    """Every way out is a proxy that counts; with a server set it is used, so it does count."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        asked: list[str] = []
        threading.Thread(target=count, args=(listener, asked), daemon=True).start()
        names = ("http_proxy", "https_proxy", "all_proxy")
        ways_out = {name: proxy for each in names for name in (each, each.upper())}
        folder, path = str(tmp_path), [str(Path.cwd()), *sys.path]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
        script = SENDS.format(folder=folder, path=path, url=url)

        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**inherited, **ways_out, wandb_store.KEY: KEY},
            capture_output=True,
            text=True,
        )

    assert done.returncode == 0, done.stderr
    assert bool(asked) == bool(url)


def count(listener: socket.socket, asked: list[str]) -> None:
    """Note the first line of whatever comes, and hang up."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            asked.append(connection.recv(1000).decode(errors="replace").partition("\r")[0])


def test_a_missing_wandb_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    project = Project(tmp_path)

    project.train("run-1")

    assert "W&B is not installed here" in capsys.readouterr().err
    assert project.books.promote() == 1


def test_a_password_in_the_address_is_never_shown(
    server: Held, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.address.replace("//", "//me:secret@")
    project = online(Project(tmp_path), url)
    server.answer = lambda *_: {"errors": [{"message": f"no {url}"}]}  # type: ignore[method-assign]

    tracking.mirror(project.config, project.books.state())

    said = capsys.readouterr().err
    assert "warning: W&B" in said
    assert "secret" not in said + tracking.where(project.config)
