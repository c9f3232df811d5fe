"""MLServer for tests, as its verb starts it: in a process group of its own, with a deadline."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from . import tensor_client
from .tensor_client import free_ports

ROOT = Path(__file__).parents[2]
VERB = [sys.executable, str(ROOT / "run.py"), "mlserver"]
START_SECONDS = 600  # the first start installs the environment


@contextmanager
def serving(store: Path, *words: str, **options: Any) -> Iterator[tuple[int, Any]]:
    """A running MLServer; gives its first port and the process, whose words are in `said`."""
    port = free_ports()
    env = environment(store=store, port=port, **{"prediction_log": "", **options})
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [*VERB, *words], env=env, stdout=said, stderr=said, start_new_session=True
        )
        watch = threading.Timer(START_SECONDS, kill, [process])
        watch.start()
        try:
            while not _is_up(port):
                assert process.poll() is None, said.seek(0) or said.read()
                time.sleep(0.2)
            watch.cancel()
            yield port, process
        finally:
            watch.cancel()
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            kill(process)
            process.wait(10)


def environment(**options: Any) -> dict[str, str]:
    """The environment of the verb, with these settings and no other."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("APP_", "MLSERVER_"))}
    return env | {f"APP_{name.upper()}": str(value) for name, value in options.items()}


def kill(process: subprocess.Popen[Any]) -> None:
    """End the process and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def infer(port: int, *asked: Any, **more: Any) -> Any:
    """Ask the champion at a port."""
    return tensor_client.infer("champion", port, *asked, **more)


def _is_up(port: int) -> bool:
    """Whether it answers for its model, ready or not."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/v2/health/live", timeout=5).is_success and (
            httpx.get(f"http://127.0.0.1:{port}/v2/models/champion", timeout=5).status_code != 404
        )
    return False
