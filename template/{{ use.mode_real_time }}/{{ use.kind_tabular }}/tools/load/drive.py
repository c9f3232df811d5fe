"""Requests at a rate, or as fast as answers come, over kept connections, each one timed.

At a rate (an open loop) a request counts from the moment it was due, sent or not: a server that
stalls does not get a break while nobody asks (coordinated omission, Tene 2015). As fast as answers
come (a closed loop), each caller waits for its answer, as a program with so many threads does.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

MOST = 500  # connections; the server itself closes the idlest beyond 900
PATIENCE = 10.0  # seconds until an answer counts as one that never came
FALLBACK = b'"fallback":true'
Asked = Iterator[bytes]


@dataclass
class Measured:
    """What became of each request; seconds, infinite where the model gave no answer."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """How long after a request was due this program came to send it; not the server's doing."""
    statuses: dict[int, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    fallbacks: int = 0

    @property
    def failed(self) -> int:
        """Requests that the model did not answer: refused, lost, or left to the fallback."""
        return sum(latency == float("inf") for latency in self.latencies)

    def percentile(self, share: float) -> float:
        """The latency that this share of all requests kept, in seconds (nearest rank)."""
        ranked = sorted(self.latencies)
        return ranked[max(0, -int(-share * len(ranked) // 1) - 1)]

    def note(self, due: float, status: int, body: bytes) -> None:
        """Take down an answer to a request that was due at a moment of time.perf_counter."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        by_fallback = FALLBACK in body
        self.fallbacks += by_fallback
        good = status == 200 and not by_fallback
        self.latencies.append(time.perf_counter() - due if good else float("inf"))

    def note_error(self, error: BaseException) -> None:
        """Take down a request that got no answer."""
        kind = type(error).__name__.removesuffix("Error").lower()
        said = {"timeout": f"no answer within {PATIENCE:g} s"}.get(kind, str(error) or kind)
        self.errors[said] = self.errors.get(said, 0) + 1
        self.latencies.append(float("inf"))


class Target:
    """A server to load: its address, the bytes of requests, and the connections to it."""

    def __init__(self, url: str, bodies: Sequence[bytes], headers: dict[str, str]) -> None:
        parts = urlsplit(url)
        self.is_secret = parts.scheme == "https"
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if self.is_secret else 80)
        path = parts.path.rstrip("/") + "/v1/predict"
        lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
        head = "\r\n".join([*lines, *(f"{name}: {text}" for name, text in headers.items())])
        made = [f"{head}\r\nContent-Length: {len(b)}\r\n\r\n".encode() + b for b in bodies]
        self.requests: Asked = itertools.cycle(made)
        self.idle: list[Connection] = []
        self.places = asyncio.Semaphore(MOST)

    async def ask(self, due: float, measured: Measured) -> None:
        """Send one request over a free connection, and take down what becomes of it."""
        measured.late.append(time.perf_counter() - due)
        try:
            async with asyncio.timeout(PATIENCE - (time.perf_counter() - due)), self.places:
                connection = self.idle.pop() if self.idle else await self._connect()
                try:
                    status, body = await connection.ask(next(self.requests))
                except BaseException:
                    connection.close()
                    raise
                measured.note(due, status, body)
                if connection.is_open:
                    self.idle.append(connection)
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            measured.note_error(error)

    async def _connect(self) -> "Connection":
        make = asyncio.get_running_loop().create_connection
        _, connection = await make(Connection, self.host, self.port, ssl=self.is_secret or None)
        return connection

    def close(self) -> None:
        """Close what is idle."""
        for connection in self.idle:
            connection.close()


class Connection(asyncio.Protocol):
    """A kept connection that has one request at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.is_open = transport, True
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; OSError if the connection ends before it."""
        self.answer = asyncio.get_running_loop().create_future()
        self.parser, self.body = httptools.HttpResponseParser(self), b""
        if self.is_open:
            self.transport.write(request)
        else:
            self.connection_lost(None)
        return await self.answer

    def data_received(self, data: bytes) -> None:
        """Some of the answer."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self.answer and not self.answer.done():
                self.answer.set_exception(error)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """All of the answer."""
        self.is_open = self.is_open and self.parser.should_keep_alive()
        if self.answer and not self.answer.done():
            self.answer.set_result((self.parser.get_status_code(), self.body))

    def connection_lost(self, _: Exception | None) -> None:
        """The server, or the network, is gone."""
        self.is_open = False
        if self.answer and not self.answer.done():
            self.answer.set_exception(
                ConnectionResetError("the connection ended before the answer")
            )

    def close(self) -> None:
        """Let go."""
        self.is_open = False
        self.transport.close()


async def at_rate(target: Target, rate: float, seconds: float) -> Measured:
    """So many requests per second, each due at its own moment, whatever became of the others."""
    measured, began = Measured(), time.perf_counter()
    tasks = set[asyncio.Task[None]]()
    for number in range(max(1, round(rate * seconds))):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(target.ask(due, measured))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks)
    return _ended(target, measured, began)


async def one_after_another(target: Target, callers: int, seconds: float) -> Measured:
    """So many callers at once, each asking again as soon as it has its answer."""
    measured, began = Measured(), time.perf_counter()

    async def call() -> None:
        while (now := time.perf_counter()) - began < seconds:
            failed = measured.failed
            await target.ask(now, measured)
            if measured.failed > failed:
                await asyncio.sleep(0.01)  # nobody asks a broken server as fast as it fails

    await asyncio.gather(*(call() for _ in range(callers)))
    return _ended(target, measured, began)


def _ended(target: Target, measured: Measured, began: float) -> Measured:
    measured.seconds = time.perf_counter() - began
    target.close()
    return measured
