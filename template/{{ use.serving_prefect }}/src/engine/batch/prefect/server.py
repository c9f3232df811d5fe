"""Prefect's server: that of PREFECT_API_URL, or a local one for as long as it is needed.

Prefect would start one by itself, which outlives a process that is killed. This one ends with it:
it reads its standard input, which the system closes when the parent is gone.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from engine.core.errors import SettingsError
from engine.core.settings import Settings

START_SECONDS = 180  # the first start makes a database, and a loaded machine takes its time
ADDRESS = "PREFECT_API_URL"
SERVER = {
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PYTHONPATH": str(Path(__file__).parents[3]),  # tests find the packages elsewhere
}
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")


@contextlib.contextmanager
def running(config: Settings) -> Iterator[str]:
    """The address of a server that answers."""
    if url := os.environ.get(ADDRESS):
        yield url
        return
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")  # it ends before the last line
    with local(config) as url:
        from prefect.settings import PREFECT_API_URL, temporary_settings

        os.environ[ADDRESS] = url  # for the runs of a schedule, which are processes
        try:
            with temporary_settings({PREFECT_API_URL: url}):
                yield url
        finally:
            del os.environ[ADDRESS]


@contextlib.contextmanager
def local(config: Settings) -> Iterator[str]:
    """A server on this machine that ends with this process, however that ends."""
    home = Path(config.prefect_home).absolute()
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    print("starting the server of Prefect ...", file=sys.stderr, flush=True)
    log = home / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(port)],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
            env={**os.environ, **SERVER, "PREFECT_HOME": str(home)},
        )
    url = f"http://127.0.0.1:{port}/api"
    try:
        _wait(f"{url}/health", process, log)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise SettingsError(f"the server of Prefect does not start; {log} says why")


def main(argv: list[str]) -> int:
    """Serve at a port until the parent is gone."""
    import uvicorn
    from prefect.server.api.server import create_app

    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(create_app(), host="127.0.0.1", port=int(argv[1]), log_level="error")
    return 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
