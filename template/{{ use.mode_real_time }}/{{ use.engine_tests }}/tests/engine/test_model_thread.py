"""Rows wait together, failures stay alone, and nobody waits longer than the deadline."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from engine.serving.scoring import model_thread
from engine.serving.scoring.pace import Pace

Rows = list[tuple[Any, ...]]


class Model:
    """Answers each row with its own value; raises for "bad", waits for `gate` if given."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.calls: list[Rows] = []
        self.gate = gate

    def score(self, rows: Rows) -> Any:
        self.calls.append(rows)
        if self.gate:
            self.gate.wait(5)
        if any(row == ("bad",) for row in rows):
            raise ValueError("a secret of the row")
        return np.array(rows, dtype=float)


def run(work: Callable[[Any], Awaitable[Any]], **options: Any) -> Any:
    """Do some work with a started thread."""

    async def started() -> Any:
        limits = {"deadline": 5.0, "queue_rows": 100, "batch_rows": 8, **options}
        queue = model_thread.ModelThread(Pace(), **limits)
        queue.start()
        try:
            return await work(queue)
        finally:
            queue.stop()

    return asyncio.run(started())


def test_requests_that_wait_together_are_scored_together() -> None:
    model = Model()

    async def work(queue: Any) -> Any:
        return await asyncio.gather(*(queue.score(model, [(i,), (-i,)]) for i in range(10)))

    answers = run(work)

    assert [a.tolist() for a in answers] == [[[i], [-i]] for i in range(10)]
    assert [len(rows) for rows in model.calls] == [8, 8, 4]


def test_a_request_that_breaks_the_model_does_not_spoil_its_neighbours() -> None:
    model = Model()

    async def work(queue: Any) -> Any:
        return await asyncio.gather(*(queue.score(model, [(v,)]) for v in (1, "bad", 2)))

    first, broken, last = run(work)

    assert (first.tolist(), broken, last.tolist()) == ([[1]], None, [[2]])


def test_a_slow_model_blocks_neither_the_loop_nor_the_caller() -> None:
    gate = threading.Event()
    model = Model(gate)

    async def work(queue: Any) -> Any:
        start = time.monotonic()
        late = [asyncio.create_task(queue.score(model, [(0,)]))]
        await asyncio.sleep(0.01)
        late += [asyncio.create_task(queue.score(model, [(i,)])) for i in (1, 2)]
        await asyncio.sleep(0.01)
        assert queue.waiting == 3
        answers = await asyncio.gather(*late)
        waited = time.monotonic() - start
        assert queue.waiting == 1  # what the model holds; the rest has left the queue
        gate.set()
        after = await queue.score(model, [(7,)])
        return answers, waited, after, queue.waiting

    answers, waited, after, waiting = run(work, deadline=0.1)

    assert answers == [None, None, None]
    assert waited < 2
    assert after.tolist() == [[7]]
    assert waiting == 0


def test_what_does_not_fit_into_the_queue_is_refused_at_once() -> None:
    gate = threading.Event()
    model = Model(gate)

    async def work(queue: Any) -> Any:
        taken = [asyncio.create_task(queue.score(model, [(i,)] * 40)) for i in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(model_thread.Overloaded):
            await queue.score(model, [(9,)] * 21)
        fits = asyncio.create_task(queue.score(model, [(9,)] * 20))
        await asyncio.sleep(0)
        gate.set()
        return [len(answer) for answer in await asyncio.gather(*taken, fits)]

    assert run(work) == [40, 40, 20]


def test_one_large_request_is_served_when_nothing_waits() -> None:
    assert len(run(lambda queue: queue.score(Model(), [(1,)] * 500))) == 500


def test_versions_are_never_mixed_in_one_batch() -> None:
    old, new = Model(), Model()

    async def work(queue: Any) -> Any:
        return await asyncio.gather(*(queue.score(m, [(1,)]) for m in (old, new, old)))

    run(work)

    assert (len(old.calls), len(new.calls)) == (2, 1)


def test_a_failure_is_logged_with_its_place_but_not_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(queue: Any) -> None:
        for _ in range(20):
            await queue.score(Model(), [("bad",)])

    run(work)

    [record] = caplog.records
    assert "ValueError at test_model_thread.py" in record.message
    assert "secret" not in caplog.text
