"""What is told while an answer is made: server-sent events, as the HTML standard has them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from engine.serving.http.replies import Header, encode
from engine.serving.protocol import Json

TYPE = "text/event-stream"
BEAT = 15.0  # seconds; proxies end a connection on which nothing is said, often after a minute
WAITING = b": waiting\n\n"
HEADERS: tuple[Header, ...] = (
    (b"content-type", TYPE.encode()),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx hands on each event at once
)
ANSWER = (
    "answer",
    "refused",
    "reason",
    "method",
    "citations",
    "fallback",
    "fallback_reason",
    "cached",
)
ABOUT = f"""Sent where `Accept` names {TYPE} and not application/json. Each event has JSON:
`search` when passages are found: `sources`, their places, and `asks`, the model asked now, or null;
`answer` when its citations are checked: {", ".join(ANSWER)};
`done`: whatever else the JSON answer has;
`error` instead of these: a problem document.
No word of a language model is sent before it is checked."""


def event(name: str, content: Any) -> bytes:
    """An event with JSON, which has no line break of its own."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode(content))


def answered(content: Json) -> bytes:
    """The last two events of an answer: what is read, and what is known about it."""
    said = {name: content[name] for name in ANSWER if name in content}
    rest = {name: value for name, value in content.items() if name not in ANSWER}
    return event("answer", said) + event("done", rest)


class Told:
    """Events that any thread may add while an answer is made, each name once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._names: set[str] = set()

    def __call__(self, name: str, content: Any) -> None:
        """Tell something."""
        if name not in self._names:
            self._names.add(name)
            self._loop.call_soon_threadsafe(self._queue.put_nowait, event(name, content))

    async def until(self, work: asyncio.Task[Any]) -> AsyncGenerator[bytes]:
        """What is told until the work is done, and a sign of life where that takes long."""
        end: Callable[[object], None] = lambda _: self._queue.put_nowait(b"")  # noqa: E731
        work.add_done_callback(end)
        while True:
            try:
                piece = await asyncio.wait_for(self._queue.get(), BEAT)
            except TimeoutError:
                piece = WAITING
            if not piece:
                return
            yield piece
