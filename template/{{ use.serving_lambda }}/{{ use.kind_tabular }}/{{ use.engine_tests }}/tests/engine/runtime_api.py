"""A stand-in for Lambda: its Runtime API, with the real runtime client in a process of its own.

A response leaves in one piece, as two would wait for each other's acknowledgement and look like a
slow function.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from .http_server import SRC, START_SECONDS, kill

HANDLER = "engine.serving.function.handler.handle"
PATH = "/2018-06-01/runtime"
NAME = "arn:aws:lambda:eu-central-1:123456789012:function:model:live"


class Outcome(NamedTuple):
    """What became of a call: where the client sent it to, and what."""

    kind: str
    """`response`, `error`, or `init/error` of a function that did not start."""
    content: bytes

    @property
    def reply(self) -> Any:
        """What the function returned."""
        assert self.kind == "response", self
        return json.loads(self.content)


class RuntimeApi(ThreadingHTTPServer):
    """What the runtime client asks for work and tells the results; one function at a time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.asked_for_work = threading.Event()

    def invoke(self, event: Any) -> Outcome:
        """Send an event, and wait for what becomes of it."""
        self.waiting.put(json.dumps(event).encode())
        return self.outcomes.get(timeout=START_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body go together
    server: RuntimeApi

    def do_GET(self) -> None:
        assert self.path == f"{PATH}/invocation/next", self.path
        self.server.asked_for_work.set()
        event = self.server.waiting.get()
        self._send(
            200,
            event,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 30_000),
                "Lambda-Runtime-Invoked-Function-Arn": NAME,
            },
        )

    def do_POST(self) -> None:
        body = self._body()
        kind = self.path.removeprefix(f"{PATH}/")
        kind = kind.rpartition("/")[2] if kind.startswith("invocation/") else kind
        self.server.outcomes.put(Outcome(kind, body))
        self._send(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def function(
    folder: Path, env: dict[str, str] | None = None, **options: Any
) -> Iterator[tuple[RuntimeApi, subprocess.Popen[str]]]:
    """The function in a process, in a project folder; it need not have started yet."""
    api = RuntimeApi()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    known = {k: v for k, v in os.environ.items() if not k.startswith(("APP_", "AWS_"))}
    known |= {
        "PYTHONPATH": str(SRC),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "model",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        **{f"APP_{name.upper()}": str(value) for name, value in options.items()},
        **(env or {}),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", HANDLER],
        cwd=folder,
        env=known,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield api, process
    finally:
        kill(process)
        process.communicate()
        api.shutdown()
        api.server_close()
