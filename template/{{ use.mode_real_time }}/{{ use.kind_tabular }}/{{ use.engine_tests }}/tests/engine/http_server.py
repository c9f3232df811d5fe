"""Servers for tests: in a thread, with parts a test can break; in a process, as deployed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

import engine
from engine.core.settings import Settings
from engine.serving.http import app
from engine.serving.http import server as serve

from .made_up import inside

SRC = Path(str(engine.__file__)).parents[1]
START_SECONDS = 60  # generous: a loaded machine takes its time to import


@contextmanager
def in_thread(store: Path, **options: Any) -> Iterator[tuple[httpx.Client, Any]]:
    """A running server with a client for it, and the application inside; works beside its store."""
    with inside(store.parent):
        yield from _in_thread(store, options)


def _in_thread(store: Path, options: dict[str, Any]) -> Iterator[tuple[httpx.Client, Any]]:
    config = Settings(**{"store": str(store), "prediction_log": "", **options})
    application = app.App(config)
    server = serve.Server(application, config)
    listener = serve.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started, START_SECONDS)
    headers = {"X-API-Key": config.api_key.encode()} if config.api_key else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=10) as client:
            yield client, application
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def in_process(folder: Path, **options: Any) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`serve` in a process group of its own, in a project folder; gives its address."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    env |= {"PYTHONPATH": str(SRC), "APP_PORT": "0"}
    env |= {f"APP_{name.upper()}": str(value) for name, value in options.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "serve"],
        cwd=folder,
        env=env,
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
        assert said.startswith("serving on "), process.communicate()[1]
        yield said.split()[-1], process
    finally:
        watch.cancel()
        kill(process)
        process.communicate()


def kill(process: subprocess.Popen[str]) -> None:
    """End the process and whatever it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def body(rows: list[dict[str, Any]]) -> bytes:
    """A prediction request for rows."""
    return msgspec.json.encode({"rows": rows})


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something holds, but not for ever."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
