"""The event loop scores what will be quick there; what is unknown, large or slow, the thread."""

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from engine.serving.scoring.loop import Scoring
from engine.serving.scoring.model_thread import ModelThread
from engine.serving.scoring.pace import CALLS, Pace

Rows = list[tuple[Any, ...]]
QUICK, SLOW = 0.0, 0.3  # seconds of a call; a call on the loop may take 0.02


class Model:
    """Answers each row with its own value after `seconds`; knows in which threads that was."""

    probes = 1

    def __init__(self, seconds: float = QUICK) -> None:
        self.seconds = seconds
        self.calls: list[tuple[str, int]] = []

    def score(self, rows: Rows) -> Any:
        self.calls.append((threading.current_thread().name, len(rows)))
        time.sleep(self.seconds)
        if any(row == ("bad",) for row in rows):
            raise ValueError
        return np.array(rows, dtype=float)

    def explain(self, rows: Rows) -> Any:
        return self.score(rows), [{} for _ in rows]

    @property
    def threads(self) -> list[str]:
        """Where each call was, since the last time somebody asked."""
        found = [name for name, _ in self.calls]
        self.calls.clear()
        return found


HERE = threading.main_thread().name


class Counted:
    """A scoring with what it counted."""

    def __init__(self, deadline: float, most_seconds: float) -> None:
        self.rows = self.slow = 0
        thread = ModelThread(Pace(), deadline=deadline, queue_rows=500, batch_rows=256)
        self.scoring = Scoring(
            thread,
            most_seconds=most_seconds,
            count_rows=self._count_rows,
            count_slow=self._count_slow,
        )

    def _count_rows(self, rows: int) -> None:
        self.rows += rows

    def _count_slow(self) -> None:
        self.slow += 1

    async def score(self, model: Any, items: Rows, *, explain: bool = False) -> Any:
        return await self.scoring.score(model, items, explain=explain)

    async def learn(self, model: Any, calls: int = CALLS) -> None:
        """Let the model answer single rows, as often as it takes to know it."""
        for _ in range(calls):
            await self.score(model, [(0,)])


def run(
    work: Callable[[Counted], Awaitable[Any]], deadline: float = 5.0, most_seconds: float = 0.02
) -> Any:
    """Do some work with a scoring whose thread runs."""

    async def started() -> Any:
        counted = Counted(deadline, most_seconds)
        counted.scoring.thread.start()
        try:
            return await work(counted)
        finally:
            counted.scoring.thread.stop()

    return asyncio.run(started())


def test_a_new_version_works_in_the_thread_until_it_is_known_to_be_quick() -> None:
    model, other = Model(), Model()

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        first = model.threads
        await counted.learn(model, 3)
        then = model.threads
        await counted.learn(other, 1)
        return first, then, other.threads, counted.rows

    assert run(work) == (["model"] * CALLS, [HERE] * 3, ["model"], 3)


def test_what_gathers_in_a_turn_is_scored_in_one_call_on_the_loop() -> None:
    model = Model()

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        model.calls.clear()
        answers = await asyncio.gather(*(counted.score(model, [(i,), (-i,)]) for i in range(10)))
        return [answer.tolist() for answer in answers]

    assert run(work) == [[[i], [-i]] for i in range(10)]
    assert model.calls == [(HERE, 20)]


def test_a_single_request_waits_for_nobody() -> None:
    model = Model()

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        counted.scoring.in_work = lambda: 1
        asking = counted.score(model, [(7,)])
        with pytest.raises(StopIteration) as done:  # it ends without giving the loop back
            asking.send(None)
        return done.value.value.tolist()

    assert run(work) == [[7]]


def test_rows_that_would_keep_the_loop_go_to_the_thread() -> None:
    model = Model(0.001)  # a row; 100 are expected to take 0.1 s

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        model.calls.clear()
        await asyncio.gather(counted.score(model, [(1,)] * 100), counted.score(model, [(2,)]))
        return sorted(model.calls), await counted.score(model, [(1,)], explain=True)

    calls, (_, reasons) = run(work)

    assert ("model", 100) in calls
    assert (HERE, 1) in calls
    assert (model.threads[-1], reasons) == ("model", [{}])


def test_requests_that_do_not_fit_into_one_call_together_share_it_with_the_thread() -> None:
    model = Model(0.001)

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        model.calls.clear()
        answers = await asyncio.gather(*(counted.score(model, [(i,)] * 8) for i in range(5)))
        return [answer[0].item() for answer in answers], counted.rows

    answers, on_loop = run(work)

    assert answers == [0, 1, 2, 3, 4]
    assert 0 < on_loop <= 16
    assert sum(rows for _, rows in model.calls) == 40


def test_a_model_that_becomes_slow_goes_to_the_thread_and_meets_the_deadline() -> None:
    model = Model()

    async def work(counted: Counted) -> Any:
        await counted.learn(model, CALLS + 1)
        model.calls.clear()
        model.seconds = SLOW
        first = await counted.score(model, [(1,)])
        begun = time.monotonic()
        second = await counted.score(model, [(2,)])
        waited = time.monotonic() - begun
        return first.tolist(), second, waited, counted.slow, counted.scoring.pace.row

    first, second, waited, slow, row = run(work, deadline=0.2)

    assert (first, second, slow, row) == ([[1]], None, 1, math.inf)
    assert waited < SLOW
    assert model.threads == [HERE, "model"]


def test_one_slow_call_within_the_deadline_may_be_the_machine_but_two_are_the_model() -> None:
    model = Model()

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        model.calls.clear()
        for seconds in (SLOW, QUICK, SLOW, SLOW, QUICK):
            model.seconds = seconds
            await counted.score(model, [(1,)])
        return model.threads, counted.slow

    assert run(work) == ([HERE] * 4 + ["model"], 3)


def test_it_comes_back_when_its_calls_are_quick_again_each_time_later() -> None:
    model = Model()

    async def work(counted: Counted) -> Any:
        waits = []
        await counted.learn(model)
        for _ in range(2):
            counted.scoring.pace.was_slow()
            model.calls.clear()
            while HERE not in (threads := model.threads):
                waits += threads
                await counted.learn(model, 1)
            waits.append("and back")
        return waits

    thread = ["model"]
    assert run(work) == [*thread * 2 * CALLS, "and back", *thread * 4 * CALLS, "and back"]


def test_while_the_thread_hangs_the_loop_stays_away_from_the_model() -> None:
    model, hanging = Model(), Model(2.0)

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        model.calls.clear()
        hangs = asyncio.create_task(counted.score(hanging, [(0,)]))
        await asyncio.sleep(0.3)
        late = await counted.score(model, [(1,)])
        return late, await hangs, model.threads, counted.scoring.thread.busy_seconds() > 0

    assert run(work, deadline=0.2) == (None, None, [], True)


@pytest.mark.parametrize("limits", [{"most_seconds": 0.0}, {"deadline": 0.02}])
def test_the_thread_has_what_is_too_slow_for_the_setting_or_the_deadline(
    limits: dict[str, float],
) -> None:
    model = Model(0.003)

    async def work(counted: Counted) -> Any:
        await counted.learn(model, CALLS * 2)

    run(work, **limits)

    assert set(model.threads) == {"model"}


def test_a_request_that_breaks_the_model_does_not_spoil_its_neighbours_on_the_loop() -> None:
    model = Model()

    async def work(counted: Counted) -> Any:
        await counted.learn(model)
        model.calls.clear()
        return await asyncio.gather(*(counted.score(model, [(v,)]) for v in (1, "bad", 2)))

    first, broken, last = run(work)

    assert (first.tolist(), broken, last.tolist()) == ([[1]], None, [[2]])
    assert set(model.threads) == {HERE}


def test_a_small_call_is_expected_to_take_what_the_quickest_took() -> None:
    model: Any = Model()
    other: Any = Model()
    pace = Pace()

    for _ in range(CALLS):
        pace.took(model, 200, 0.010)  # a model that takes so long whatever it is asked

    assert pace.expects(model, 1) == pytest.approx(0.010)
    assert pace.expects(model, 400) == pytest.approx(0.020)
    assert pace.expects(other, 1) == math.inf
