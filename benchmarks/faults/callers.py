"""Callers that keep asking and count what becomes of every request."""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Any

LENGTH = re.compile(rb"content-length: (\d+)")


class Callers:
    """Connections that ask again as soon as they are answered, or `every` so many seconds."""

    def __init__(
        self, port: int, bodies: list[bytes], connections: int = 16, every: float = 0.0
    ) -> None:
        self.statuses: Counter[int] = Counter()
        self.answers: list[tuple[int, Any]] = []
        """Which body, and what was predicted."""
        self.seconds: list[float] = []
        self.lost: list[float] = []
        """When a request that was sent got no answer."""
        self._port, self._bodies, self._every = port, bodies, every
        self._is_over = False
        self._thread = threading.Thread(target=asyncio.run, args=(self._all(connections),))

    def __enter__(self) -> "Callers":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._thread.join()

    @property
    def failed(self) -> int:
        """Requests that were answered with anything but 200."""
        return self.statuses.total() - self.statuses[200]

    async def _all(self, connections: int) -> None:
        await asyncio.gather(*(self._one(number) for number in range(connections)))

    async def _one(self, number: int) -> None:
        while not self._is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:  # nobody took the connection, so nothing was lost
                await asyncio.sleep(0.02)
                continue
            try:
                while not self._is_over:
                    number = (number + 1) % len(self._bodies)
                    if not await self._ask(number, reader, writer):
                        break
                    await asyncio.sleep(self._every)
            except (asyncio.IncompleteReadError, OSError):
                self.lost.append(time.monotonic())
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _ask(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        start, body = time.perf_counter(), self._bodies[number]
        head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        found = LENGTH.search(head)
        content = await reader.readexactly(int(found[1]) if found else 0)
        self.seconds.append(time.perf_counter() - start)
        self.statuses[status := int(head[9:12])] += 1
        if status == 200:
            self.answers.append((number, json.loads(content)))
        return b"connection: close" not in head
