"""The verb doctor: it needs nothing installed, and what is missing is said with its way out."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tools import doctor
from tools.doctor import MISSING, OK, Finding, __main__, machine, running, shipping

from .small_project import ROOT, call, made, offline, wheel


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the verb, as it is right after the copy: a lock, and no environment."""
    made(tmp_path)
    keep = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tools/doctor", tmp_path / "tools/doctor", ignore=keep)
    for path in (tmp_path / "tools/doctor").iterdir():
        if not path.name.startswith("_") and path.stem not in ("machine", "packages", "running"):
            path.unlink()
    (tmp_path / "tools/__init__.py").touch()
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write('doctor = { jobs = [], help = "look", command = ["tools.doctor"] }\n')
        file.write('[dependency-groups]\nserve = ["demo==1.0"]\n')
    source = f" \\\n    --hash=sha256:{'0' * 64}"  # as a package of Python code alone has one
    row = wheel(tmp_path, "demo").replace("\n    # for", f"{source}\n    # for")
    (tmp_path / "requirements.lock").write_text(row)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        name = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
        subprocess.run(["git", *name, *words], cwd=tmp_path, check=True)
    return tmp_path


def said(project: Path, **env: str) -> tuple[int, str]:
    """Exit code and text of the verb, on one line a paragraph, in a bare environment."""
    other = {name: "" for name in os.environ if name.startswith(("PIP_", "UV_"))}
    done = call(project, "doctor", **{**other, "RUN_INSTALLER": "pip", **env})
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join(done.stdout.split())


def test_it_needs_no_environment_and_makes_none(project: Path) -> None:
    code, text = said(project, **offline(project))

    assert code == 0, text
    assert "ok package index: pip fetched demo 1.0, with the hash of the lock" in text
    assert text.endswith("nothing that this project needs was found missing")
    assert not (project / ".venv").exists()


def test_an_index_out_of_reach_is_said_with_three_things_to_try(project: Path) -> None:
    (project / "empty").mkdir()

    code, text = said(project, **offline(project / "empty"), PIP_INDEX_URL="http://a:b@127.0.0.1:9")

    assert code == 1
    assert "missing package index: pip could not fetch demo 1.0" in text
    assert "in the environment: PIP_FIND_LINKS, PIP_INDEX_URL, PIP_NO_INDEX" in text
    for way in ("HTTPS_PROXY=", "PIP_INDEX_URL=<", "PIP_FIND_LINKS=<"):
        assert way in text
    assert "a:b" not in text  # a password
    assert text.endswith("missing, and needed: package index")


def test_a_failed_installation_names_the_network_and_doctor(project: Path) -> None:
    (project / "empty").mkdir()

    away = call(project, "echo", **offline(project / "empty"), RUN_INSTALLER="pip")
    wheel(project / "empty", "demo", "0.9")
    behind = call(project, "echo", **offline(project / "empty"), RUN_INSTALLER="pip")
    altered = (project / "requirements.lock").read_text().replace("sha256:", "sha256:0")
    (project / "requirements.lock").write_text(altered)
    wrong = call(project, "echo", **offline(project), RUN_INSTALLER="pip")

    assert "No package index was reached that has it; what to try: " in away.stderr
    assert "run.py doctor" in away.stderr
    assert "No package index was reached that has it; what to try: " in behind.stderr
    assert wrong.returncode == 1
    assert "doctor" not in wrong.stderr  # the network is not to blame


def test_a_file_that_an_option_adds_is_asked_as_well(project: Path) -> None:
    (project / "tools/doctor/cobol.py").write_text(
        "from . import Finding\n\n"
        "def look():\n    yield Finding('missing', 'COBOL', 'not there', 'payroll', 'find one')\n"
    )

    code, text = said(project, **offline(project))

    assert code == 1
    assert "missing COBOL: not there (for payroll) -> find one" in text


def test_outside_a_repository_the_way_in_is_named(project: Path) -> None:
    shutil.rmtree(project / ".git")

    code, text = said(project, **offline(project), GIT_CEILING_DIRECTORIES=str(project.parent))

    assert code == 1
    assert 'git init && git add --all && git commit -m "start"' in text


def test_what_is_optional_ends_with_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    tool = Finding(MISSING, "promtool", "away", "tests", "install it", optional=True)

    assert __main__.verdict([tool]) == 0
    assert __main__.verdict([tool, Finding(MISSING, "git", "away", "all")]) == 1
    assert "works without: promtool" in capsys.readouterr().out


def test_without_git_or_an_engine_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/Dockerfile").touch()
    monkeypatch.setattr(shipping, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    missing = [f.thing for f in (*machine.look(), *shipping.look()) if f.state == MISSING]

    assert missing == ["git", "container engine"]


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")._replace(free=10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    [disk] = [finding for finding in machine.look() if finding.thing == "disk"]

    assert (disk.state, disk.said.split(" at ")[0]) == (MISSING, "0.1 GB are free")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens at, who does not speak HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def port_of(monkeypatch: pytest.MonkeyPatch, value: int | str) -> Finding:
    monkeypatch.setenv("APP_PORT", str(value))
    monkeypatch.setenv("APP_HOST", "127.0.0.1")
    return next(f for f in running.look() if f.thing == f"port {value}")


def test_a_port_of_another_program_is_missing(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    assert port_of(monkeypatch, taken).state == MISSING
    assert port_of(monkeypatch, "many").state == MISSING
    assert port_of(monkeypatch, 0).state == OK


def test_a_port_of_ones_own_server_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Alive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = port_of(monkeypatch, server.server_port)
        server.shutdown()

    assert found.state == OK
    assert "alive" in found.said


def test_settings_that_cannot_be_read_are_not_said_to_be_well(project: Path) -> None:
    (project / "settings.toml").write_text("port = 1\nport = 2\n")

    code, text = said(project, **offline(project))

    assert code == 1
    assert "missing settings.toml: it cannot be read, so that nothing in it was looked at" in text
    assert "line 2" in text
    assert text.endswith("missing, and needed: settings.toml")


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe there ends otherwise")
def test_a_reader_who_has_seen_enough_gets_no_traceback(project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "run.py", "doctor"],
        cwd=project,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **offline(project)},
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("APP_STORE", str(tmp_path / "file/store"))
    monkeypatch.setenv("APP_PREDICTION_LOG", str(tmp_path / "not/there/yet"))

    found = {finding.thing: finding.state for finding in running.look()}

    assert (found["store"], found["prediction_log"]) == (MISSING, OK)


@pytest.mark.parametrize("elsewhere", ["-", "s3://bucket/logs", ""])
def test_a_log_that_is_no_folder_is_not_looked_for_here(
    elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_PREDICTION_LOG", elsewhere)

    assert "prediction_log" not in {finding.thing for finding in running.look()}


def test_an_address_is_taken_apart_without_its_password() -> None:
    assert doctor.place("postgresql://me:p@ss@db:6543/x") == ("db", 6543)
    assert doctor.place("https://tracker/mlflow") == ("tracker", 443)
    assert doctor.place("http://[::1]:5000") == ("::1", 5000)
    assert doctor.place("sqlite:///runs.db") is None


@pytest.mark.skipif(sys.platform == "win32", reason="the environment's own folder is another")
def test_programs_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(ROOT / ".venv/bin"))

    assert doctor.program("python", "python3") is None
