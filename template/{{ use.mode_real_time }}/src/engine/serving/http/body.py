"""Reading a request's body without trusting it: type, size, speed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from engine.serving.http.replies import Refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON_ONLY = (b"application/json",)
SECONDS = 10.0  # a body that takes longer to arrive is refused
BODIES = 64  # half-arrived bodies of full size that may be in memory at once
SWALLOW = 8  # times the limit that is read before a refusal


class Disconnected(Exception):  # noqa: N818 - it happens, and nobody is there to be told
    """The caller left before the body was complete."""


class BodyReader:
    """Reads bodies of at most `limit` bytes each: JSON, or what else a protocol takes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0

    async def __call__(
        self, scope: Scope, receive: Receive, kinds: tuple[bytes, ...] = JSON_ONLY
    ) -> bytes:
        """The body.

        Raises Refusal: 415 other types, 413 too large, 408 too slow, 503 too many at once. What is
        too large is read and thrown away as far as that is cheap, so that the refusal is read.
        """
        headers = dict(scope["headers"])
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind not in kinds:
            raise Refusal(415, f"send JSON with the header Content-Type: {kinds[0].decode()}")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(
                415, "send the body without a Content-Encoding", Accept_Encoding="identity"
            )
        size = headers.get(b"content-length", b"0")
        if len(size) > 18 or int(size) > self.limit * SWALLOW:
            raise self._too_large("close")
        message = await receive()
        body: bytes = message.get("body", b"")
        if message["type"] == "http.disconnect":
            raise Disconnected
        if not message.get("more_body"):
            if len(body) > self.limit:
                raise self._too_large()
            return body
        try:
            async with asyncio.timeout(SECONDS):
                return await self._rest(body, receive)
        except TimeoutError:
            detail = f"the body did not arrive within {SECONDS:g} seconds"
            raise Refusal(408, detail, Connection="close") from None

    async def _rest(self, first: bytes, receive: Receive) -> bytes:
        body, size, more = bytearray(first), len(first), True
        self._held += size
        try:
            while more and size <= self.limit * SWALLOW:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                part, more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                if size <= self.limit:
                    body += part
                    self._held += len(part)
                if self._held > self.limit * BODIES:
                    raise Refusal(
                        503, "too many large bodies at once", Retry_After="1", Connection="close"
                    )
        finally:
            self._held -= len(body)
        if size > self.limit:
            raise self._too_large("close" if more else "keep-alive")
        return bytes(body)

    def _too_large(self, connection: str = "keep-alive") -> Refusal:
        detail = f"the body is larger than {self.limit} bytes; send fewer rows at a time"
        return Refusal(413, detail, Connection=connection)
