"""Triton for tests, as its verb starts it: in a process group of its own, with a deadline."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.settings import load_settings

from . import tensor_client
from .tensor_client import free_ports

ROOT = Path(__file__).parents[2]
NAME = load_settings(ROOT / "settings.toml", {}).name
START_SECONDS = 600  # the first start installs the environment
VERB = [sys.executable, str(ROOT / "run.py"), "triton", "serve"]


def environment(**options: Any) -> dict[str, str]:
    """The environment of the verb, with these settings and no other."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    return env | {f"APP_{name.upper()}": str(value) for name, value in options.items()}


@contextmanager
def serving(store: Path, **options: Any) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A running Triton; gives its first port and the process that looks after it."""
    port = free_ports()
    process = subprocess.Popen(
        VERB,
        env=environment(store=store, port=port, **{"prediction_log": "", **options}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watch = threading.Timer(START_SECONDS, kill, [process])
    watch.start()
    try:
        assert process.stdout
        said = process.stdout.readline()
        watch.cancel()
        assert said.startswith(f"serving on http://127.0.0.1:{port} "), process.communicate()[1]
        yield port, process
    finally:
        watch.cancel()
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
        kill(process)
        for number in tritons(port):  # it has a process group of its own, and holds our pipes
            os.killpg(number, signal.SIGKILL)
        process.communicate()


def kill(process: subprocess.Popen[str]) -> None:
    """End the process and whatever is in its group; Triton itself ends with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def infer(port: int, *asked: Any, **more: Any) -> Any:
    """Ask the one model of the Triton at a port."""
    return tensor_client.infer(NAME, port, *asked, **more)


def tritons(port: int) -> list[int]:
    """The processes of Triton that serve at this port."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--http-port=%d" % port in words:
            found.append(int(folder.name))
    return found
