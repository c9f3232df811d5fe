"""Answers of the server: JSON, or a problem document (RFC 9457) that names what is wrong."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from engine.core.errors import Problem, RequestError
from engine.serving.scoring.model_thread import place_of

Message = MutableMapping[str, Any]

log = logging.getLogger(__name__)

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
PROBLEM: Header = (b"content-type", b"application/problem+json")
NO_GUESS: Header = (b"x-content-type-options", b"nosniff")  # a browser takes no answer for HTML
encode = msgspec.json.Encoder().encode


class Reply(NamedTuple):
    """What goes back to the caller."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON,)
    pieces: AsyncGenerator[bytes] | None = None
    """What follows as it comes about, instead of a body."""


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the program
    """Ends a request with a problem document; keywords become headers."""

    def __init__(
        self, status: int, detail: str, problems: list[Problem] | None = None, **headers: str
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.problems, self.headers = status, detail, problems, headers

    def reply(self) -> Reply:
        """The problem document."""
        content = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.problems:
            content["problems"] = [problem.as_dict() for problem in self.problems]
        extra = [(k.replace("_", "-").encode(), v.encode()) for k, v in self.headers.items()]
        return Reply(self.status, encode(content), (PROBLEM, *extra))


def refused(error: RequestError) -> Refusal:
    """400 for a body that is no JSON, 422 for values the contract forbids."""
    first, more = error.problems[0].detail, len(error.problems) - 1
    detail = f"{first} (and {more} more)" if more else first
    return Refusal(400 if error.malformed else 422, detail, error.problems)


def mishap(error: Exception) -> Refusal:
    """500 for a fault of the program: the caller gets an id, the log the place, nobody the row."""
    number = uuid.uuid4().hex
    log.error("internal error %s: %s", number, place_of(error))
    return Refusal(500, f"internal error {number}; the server's log has more")


async def pour(
    pieces: AsyncGenerator[bytes],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Send pieces as they come; when the caller leaves, whatever makes them is cancelled."""

    async def each() -> None:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = [asyncio.create_task(each()), asyncio.create_task(left())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        sent, _ = await asyncio.gather(*tasks, return_exceptions=True)
        await pieces.aclose()
    if isinstance(sent, Exception):
        raise sent
