"""A connection that does not trust its peer: how large and how slow a request's head may be.

uvicorn bounds neither. The parser joins the pieces of a header value by copying what it has, so an
endless one would keep the event loop from everybody else.
"""

import itertools
import logging
import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from engine.serving.http.replies import Refusal

PIECE = 16_384  # bytes that the parser gets at once, so that too many are noticed in time
HEAD_BYTES = 32_768  # of a request line and its header fields; nginx takes as many (4 x 8 kB)
HEAD_LINES = 100  # header fields of one request; as many as Apache takes (LimitRequestFields)
MOST = 900  # connections at once: less than the 1024 files that Linux lets a process open
SECONDS = 10.0  # between two lines of the log with the same text

numbers = itertools.count()


class TooLong(Exception):  # noqa: N818 - a state of the connection, not a fault
    """The head of a request is longer than the server reads."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection with bounds; `is_open_head` says that part of a head has arrived."""

    def connection_made(self, transport: Any) -> None:
        """Take a caller; where there are too many, the one that has been idle longest goes."""
        super().connection_made(transport)
        self.number, self.is_open_head = next(numbers), False
        self._unparsed, self._is_too_long = 0, False
        if len(self.connections) <= MOST:
            return
        others = [c for c in self.connections if isinstance(c, Connection) and c is not self]
        idle = [other for other in others if other.is_idle]
        if idle:
            min(idle, key=lambda other: other.number).transport.close()
        else:
            self._refuse(Refusal(503, "the server has too many connections", Retry_After="1"))

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Parse in pieces, and end the connection when piece after piece completes no head."""
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self._unparsed += len(piece)
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._unparsed > HEAD_BYTES:
                self._refuse(_too_long())
                return

    def on_message_begin(self) -> None:
        """A request begins."""
        self._unparsed, self.is_open_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The whole head is there."""
        self._is_too_long = len(self.headers) > HEAD_LINES or (
            self._unparsed > HEAD_BYTES - PIECE and self._head_bytes() > HEAD_BYTES
        )
        if self._is_too_long:
            raise TooLong
        self._unparsed, self.is_open_head = 0, False
        super().on_headers_complete()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        """A piece of the body, which the application bounds."""
        self._unparsed = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser did not take, which it says for a head that is too long too."""
        del msg
        self._refuse(
            _too_long() if self._is_too_long else Refusal(400, "this is no HTTP/1.1 request")
        )

    def _unsupported_upgrade_warning(self) -> None:
        """No word: an upgrade that is not taken is answered over HTTP, as RFC 9110 says."""

    def _refuse(self, refusal: Refusal) -> None:
        said = refusal.reply()
        length = (b"content-length", b"%d" % len(said.body))
        fields = [*said.headers, length, (b"connection", b"close")]
        lines = b"".join(b"%s: %s\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[said.status] + lines + b"\r\n" + said.body)
        self.transport.close()


def _too_long() -> Refusal:
    detail = f"the head of a request may have {HEAD_LINES} fields and {HEAD_BYTES} bytes"
    return Refusal(431, detail)


class Seldom(logging.Filter):
    """Lets a line through once in SECONDS, with how many were held back: callers cause them."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be written."""
        text = str(record.msg)
        last, held = self._seen.get(text, (-SECONDS, 0))
        if time.monotonic() - last < SECONDS:
            self._seen[text] = last, held + 1
            return False
        self._seen[text] = time.monotonic(), 0
        if held:
            record.msg = f"{text} (and {held} more since)"
        return True
