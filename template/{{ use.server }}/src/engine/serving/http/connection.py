"""A connection that does not trust its peer: how much of its requests is held, and for how long.

uvicorn bounds neither. The parser joins the pieces of a header value by copying what it has, so an
endless one would keep the event loop from everybody else; and each request that is read ahead of an
answer is kept, so a peer that asks on and reads nothing would fill the memory.
"""

import logging
import time
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from engine.serving.http.replies import Refusal

TURN = 65_536  # bytes of one peer that are parsed before it is another's turn
PIECE = 4096  # bytes that the parser gets at once: few heads, each of which becomes 2 kB of objects
HEAD_BYTES = 32_768  # of a request line and its header fields; nginx takes as many (4 x 8 kB)
HEAD_LINES = 100  # header fields of one request; as many as Apache takes (LimitRequestFields)
MOST = 900  # connections at once: less than the 1024 files that Linux lets a process open
SECONDS = 10.0  # between two lines of the log with the same text


class TooLong(Exception):  # noqa: N818 - a state of the connection, not a fault
    """The head of a request is longer than the server reads."""


class Peers(ServerState):
    """What the connections of a server share: who must move next, the longest awaited first."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited: dict[Connection, None] = {}


class Flow(FlowControl):
    """uvicorn's word on when to read on, which does not count while something is to be parsed."""

    is_held = False

    def hold(self, is_held: bool) -> None:
        """Read nothing from now on, or read on if that is why nothing is read."""
        was_held, self.is_held = self.is_held, is_held
        if is_held:
            self.pause_reading()
        elif was_held:
            self.resume_reading()

    def resume_reading(self) -> None:
        """Read on, if nothing is against it."""
        if not self.is_held:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """uvicorn's connection with bounds; `is_open_head` says that part of a head has arrived."""

    flow: Flow
    server_state: Peers

    def connection_made(self, transport: Any) -> None:
        """Take a caller; where there are too many, the one awaited longest goes."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._rest, self._body = memoryview(b""), list[bytes]()
        self._unparsed, self.is_open_head, self._is_too_long = 0, False, False
        self._in_work: RequestResponseCycle | None = None
        awaited = self.server_state.awaited
        if len(self.connections) <= MOST:
            self._line_up()
        elif awaited:
            oldest = next(iter(awaited))
            del awaited[oldest]
            oldest.transport.abort()  # what was written would wait to be read
            self._line_up()
        else:
            self._refuse(Refusal(503, "the server has too many connections", Retry_After="1"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the caller, and tell what answers; uvicorn tells only the newest request."""
        self.server_state.awaited.pop(self, None)
        self._rest = memoryview(b"")
        if self._in_work and not self._in_work.response_complete:
            self._in_work.disconnected = True
            self._in_work.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._in_work = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _line_up(self) -> None:
        """Stand last among those who must ask, send or read next; nowhere while the server must."""
        cycle, awaited = self.cycle, self.server_state.awaited
        awaited.pop(self, None)
        if cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused:
            awaited[self] = None

    def data_received(self, data: bytes) -> None:
        """Parse what came, in turns where it is much."""
        if self._rest or len(data) > PIECE:
            self._rest = memoryview(bytes(self._rest) + data if self._rest else data)
            self._take_turn()
        else:
            self._parse(data)

    def _take_turn(self) -> None:
        """Parse some of what is left; once a second request waits, the rest waits for an answer."""
        left = TURN
        while self._rest and left > 0 and not self.pipeline and not self.transport.is_closing():
            piece, self._rest = bytes(self._rest[:PIECE]), self._rest[PIECE:]
            left -= PIECE
            self._parse(piece)
        if self.transport.is_closing():
            return
        self.flow.hold(bool(self._rest))
        self._hand_over()
        if self._rest and not self.pipeline:
            self.loop.call_soon(self._take_turn)

    def _parse(self, piece: bytes) -> None:
        """Parse a piece, and end the connection when piece after piece completes no head."""
        self._unparsed += len(piece)
        super().data_received(piece)
        if self._unparsed > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_too_long())

    def pause_writing(self) -> None:
        """The peer does not read."""
        super().pause_writing()
        self._line_up()

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        self._line_up()

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
        """A piece of the body, which the application bounds; there may be one for each byte."""
        self._unparsed = 0
        if self._rest or self._body:
            self._body.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is there."""
        if self._body:
            self._hand_over()
        super().on_message_complete()
        self._line_up()

    def on_response_complete(self) -> None:
        """Go on with what was sent meanwhile."""
        super().on_response_complete()
        self._line_up()
        if self._rest:
            self._take_turn()

    def _hand_over(self) -> None:
        """Give the application what has come of a body, at once."""
        if self._body:
            super().on_body(b"".join(self._body))
            self._body.clear()

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
