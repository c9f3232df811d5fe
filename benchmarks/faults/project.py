"""A rendered repository, its server as a process, and a row of the page."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..serving import ROOT, python, run
from ..serving import bodies as lines


class Row(NamedTuple):
    """A line of the page; `lost` counts what broke a promise, and is 0 where none was broken."""

    fault: str
    tried: str
    held: str
    lost: int


def rendered(folder: Path, *answers: str) -> Path:
    """A repository as it is rendered by default, with a champion."""
    minor = f"python_minor={sys.version_info[0]}.{sys.version_info[1]}"
    new = [sys.executable, str(ROOT / "run.py"), "new", str(folder), "--defaults", "-q"]
    run([*new, *(part for answer in (minor, *answers) for part in ("-d", answer))])
    port = {} if "mode=batch" in answers else {"APP_PORT": str(free_port())}
    run([sys.executable, "run.py", "up", "--once"], cwd=folder, **port)
    return folder


def engine(project: Path, *words: str, **env: str) -> str:
    """What a verb of the repository prints."""
    return run([python(project), "-m", "engine", *words], cwd=project, PYTHONPATH="src", **env)


def bodies(project: Path) -> list[bytes]:
    """128 requests of one row, as the contract allows them."""
    return lines(project, 1).encode().splitlines()


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


class Server:
    """`serve` in a process group of its own."""

    def __init__(self, project: Path, **options: object) -> None:
        self.port = free_port()
        env = {"PYTHONPATH": "src", "APP_PORT": str(self.port)}
        env |= {f"APP_{name.upper()}": str(value) for name, value in options.items()}
        self.process = subprocess.Popen(
            [python(project), "-m", "engine", "serve"],
            cwd=project,
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 120
        while self.ask("/health/live")[0] != 200:
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.05)

    def ask(self, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """Status and content of an answer; 0 when there is none."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except OSError:
            return 0, None

    def kill(self) -> None:
        """kill -9."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def serving(project: Path, **options: object) -> Iterator[Server]:
    """A server for a while; its log goes where nobody looks unless an option says otherwise."""
    with tempfile.TemporaryDirectory() as logs:
        server = Server(project, **{"prediction_log": logs, **options})
        try:
            yield server
        finally:
            server.kill()


def logged(folder: Path, kind: str) -> list[str]:
    """The ids in the log; a line that is no JSON ends the benchmark."""
    files = sorted(folder.glob(f"{kind}-*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().splitlines(keepends=True)]
    return [json.loads(line)["id"] for line in lines if line.endswith(b"\n")]


def copied(store: Path, folder: Path) -> Path:
    """A store of one's own, to damage."""
    return Path(shutil.copytree(store, folder / "store"))
