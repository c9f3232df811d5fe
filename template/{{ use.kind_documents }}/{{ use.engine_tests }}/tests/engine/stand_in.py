"""An endpoint that says what a test tells it to: slow, wrong, cut off, down, or busy at first.

A server of the standard library speaks the OpenAI interface, so nothing of a client is replaced.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Step = Callable[[BaseHTTPRequestHandler, Json], None]


class StandIn(ThreadingHTTPServer):
    """Plays its steps one after the other, and the last one again and again."""

    daemon_threads = True

    def __init__(self, *steps: Step) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps = list(steps)
        self.asked: list[Json] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        """The base URL, as llm_url in settings.toml has it."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append({"path": self.path, **body})
        self.server.keys.append(self.headers.get("authorization", ""))
        step = self.server.steps.pop(0) if len(self.server.steps) > 1 else self.server.steps[0]
        step(self, body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def playing(*steps: Step) -> Iterator[StandIn]:
    """A running stand-in."""
    server = StandIn(*steps)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(content: Any, finish: str = "stop", usage: bool = True) -> Step:
    """A chat's answer; what is no text is sent as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": finish,
    }
    counted = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return sends(200, {"choices": [choice], **({"usage": counted} if usage else {})})


def claims(answer: str, *citations: tuple[int, str], refused: bool = False) -> Step:
    """A chat's answer of the form that is asked for."""
    cited = [{"passage": number, "quote": quote} for number, quote in citations]
    return says({"answer": answer, "refused": refused, "citations": cited})


def encodes(vector: Callable[[str], list[float]]) -> Step:
    """An encoder's answer."""

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        rows = [{"index": i, "embedding": vector(text)} for i, text in enumerate(body["input"])]
        sends(200, {"data": rows[::-1]})(handler, body)

    return step


def sends(status: int, content: Any, **headers: str) -> Step:
    """This status with this JSON; headers with underscores for dashes."""

    def step(handler: BaseHTTPRequestHandler, _: Json) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def slow(seconds: float, then: Step) -> Step:
    """The same, later."""

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        time.sleep(seconds)
        try:
            then(handler, body)
        except OSError:  # nobody waits any more
            handler.close_connection = True

    return step


def breaks(handler: BaseHTTPRequestHandler, _: Json) -> None:
    """Half an answer, and the end of the connection."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.close_connection = True
