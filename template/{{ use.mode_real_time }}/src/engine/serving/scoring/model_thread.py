"""Runs the model in its own thread: rows that wait together are scored together.

All bookkeeping happens on the event loop, so there is no lock. While the model works, requests
gather; the next batch takes them all. A request that waits too long is answered by the fallback.
"""

import asyncio
import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

from engine.serving.protocol import ServedModel
from engine.serving.scoring.pace import Pace

log = logging.getLogger(__name__)

FAILED = "the model failed, the fallback answers"


class Overloaded(Exception):  # noqa: N818 - a state of the server, not a fault
    """The queue is full; the request was not taken."""


class Ticket:
    """Rows of one request on their way to the model; `rows` is what they cost there."""

    __slots__ = ("answer", "explain", "items", "model", "rows")

    def __init__(
        self, model: ServedModel, items: list[Any], answer: asyncio.Future[Any], explain: bool
    ) -> None:
        self.model, self.items, self.answer, self.explain = model, items, answer, explain
        self.rows = len(items) * (model.probes if explain else 1)


class ModelThread:
    """A bounded queue in front of one model thread; `pace` learns what its calls take."""

    def __init__(self, pace: Pace, *, deadline: float, queue_rows: int, batch_rows: int) -> None:
        self.deadline, self.queue_rows, self.batch_rows = deadline, queue_rows, batch_rows
        self.pace = pace
        self.waiting = 0
        """Rows that were accepted and have no answer yet."""
        self._pending: dict[Ticket, None] = {}
        self._busy_since: float | None = None
        self._inbox: queue.SimpleQueue[list[Ticket] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop
        self._report = at_most_every(10.0)

    def start(self) -> None:
        """Start the model thread; call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._work, name="model", daemon=True).start()

    def stop(self) -> None:
        """End the model thread once it has done what it holds."""
        self._inbox.put(None)

    async def score(
        self, model: ServedModel, items: list[Any], *, explain: bool = False
    ) -> Any | None:
        """Scores, one for each item, or None when the model failed or was too slow.

        With `explain` it is what `model.explain` gives. Raises Overloaded at once when the rows, an
        explained one counted as often as the model is asked for it, do not fit into the queue.
        """
        ticket = Ticket(model, items, self._loop.create_future(), explain)
        if self.waiting and self.waiting + ticket.rows > self.queue_rows:
            raise Overloaded
        self._pending[ticket] = None
        self.waiting += ticket.rows
        if self._busy_since is None:
            self._busy_since = time.monotonic()
            self._loop.call_soon(self._dispatch)  # what else arrives in this turn comes along
        timer = self._loop.call_later(self.deadline, self._expire, ticket)
        try:
            return await ticket.answer
        finally:
            timer.cancel()

    def busy_seconds(self) -> float:
        """How long the model has been at its present batch."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    def _dispatch(self) -> None:
        batch: list[Ticket] = []
        rows = 0
        for ticket in self._pending:
            rows += ticket.rows
            is_alone = ticket.explain or (batch and batch[0].explain)
            if batch and (is_alone or rows > self.batch_rows or ticket.model is not batch[0].model):
                break
            batch.append(ticket)
        for ticket in batch:
            del self._pending[ticket]
        self._busy_since = time.monotonic() if batch else None
        if batch:
            self._inbox.put(batch)

    def _expire(self, ticket: Ticket) -> None:
        if ticket in self._pending:
            del self._pending[ticket]
            self.waiting -= ticket.rows
        self._report(f"{FAILED}: it is slower than its deadline of {self.deadline * 1000:g} ms")
        _resolve(ticket, None)

    def _done(self, batch: list[Ticket], answers: list[Any | None], seconds: float) -> None:
        if not batch[0].explain:
            self.pace.took(batch[0].model, sum(ticket.rows for ticket in batch), seconds)
        for ticket, scores in zip(batch, answers, strict=True):
            self.waiting -= ticket.rows
            _resolve(ticket, scores)
        self._dispatch()

    def _work(self) -> None:
        while (batch := self._inbox.get()) is not None:
            begun = time.perf_counter()
            answers = score_together(batch, self._report)
            seconds = time.perf_counter() - begun
            try:
                self._loop.call_soon_threadsafe(self._done, batch, answers, seconds)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _resolve(ticket: Ticket, scores: Any | None) -> None:
    if not ticket.answer.done():
        ticket.answer.set_result(scores)


def score_together(batch: list[Ticket], report: Callable[[str], None]) -> list[Any | None]:
    """Score a batch; when it fails, each request alone, so that none suffers for another."""
    first, *more = batch
    rows = [row for ticket in batch for row in ticket.items] if more else first.items
    try:
        scores = first.model.explain(rows) if first.explain else first.model.score(rows)
    except Exception as error:  # whatever a model can raise
        report(f"{FAILED}: {place_of(error)}")
        if not more:
            return [None]
        return [None if t.answer.done() else score_together([t], report)[0] for t in batch]
    if not more:
        return [scores]
    ends = list(accumulate(len(ticket.items) for ticket in batch))
    return [scores[end - len(t.items) : end] for t, end in zip(batch, ends, strict=True)]


def at_most_every(seconds: float) -> Callable[[str], None]:
    """Log a failure, but not each of a thousand."""
    last = -seconds

    def report(reason: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            log.error("%s", reason)

    return report


def place_of(error: BaseException) -> str:
    """What was raised and where; its message is left out, for it may quote a row."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = (f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {' < '.join(places)}"
