"""A real Prometheus on the files of deploy/prometheus, with seconds for minutes."""

import json
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .programs import needed

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/prometheus/prometheus.yml"
SECONDS = 60


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hurried(folder: Path, server: str) -> None:
    """The files of deploy/prometheus, with this server, and with seconds for minutes."""
    for path in CONFIG.parent.glob("*.yml"):
        text = path.read_text("utf-8").replace("server:8000", server.removeprefix("http://"))
        text = re.sub(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)
        (folder / path.name).write_text(re.sub(r"\bfor: \w+", "for: 2s", text), "utf-8")


@contextmanager
def prometheus(folder: Path) -> Iterator[Callable[[str], Any]]:
    """A running Prometheus on the files in a folder; gives a function that asks its interface."""
    program, port = needed("prometheus", "prometheus"), free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "said").open("wb"),
    )

    def ask(path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as reply:
            return json.load(reply)["data"]

    def is_there() -> bool:
        try:
            return bool(ask("status/runtimeinfo"))
        except OSError:
            assert process.poll() is None, (folder / "said").read_text("utf-8")
            return False

    try:
        until(is_there)
        yield ask
    finally:
        process.kill()
        process.wait(10)


def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, but not for ever."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
