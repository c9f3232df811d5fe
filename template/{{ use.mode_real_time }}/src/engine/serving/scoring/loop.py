"""Where rows are scored: on the event loop what will be quick there, the rest in the thread.

The ways to and from a thread cost a request more than a small model does. But while the loop is at
the model nobody is answered, and nothing can end that call: so only rows that `Pace` expects to be
done in `most_seconds` are scored there. A version that is new, or had a slow call there, works in
the thread, under the deadline, until its calls have been quick.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from engine.serving.protocol import ServedModel
from engine.serving.scoring.model_thread import ModelThread, Ticket, at_most_every, score_together

DEADLINE_SHARE = 0.1  # of the deadline may be expected of a call on the loop
SLOW = 10  # times what may be expected is slow; a few times may be a busy machine,
STRIKES = 2  # and so may one slow call that ends within the deadline


class Scoring:
    """Scores what gathers in one turn of the event loop there, or hands it to the thread."""

    def __init__(
        self,
        thread: ModelThread,
        *,
        most_seconds: float,
        count_rows: Callable[[int], object],
        count_slow: Callable[[], object],
    ) -> None:
        self.thread, self.pace = thread, thread.pace
        self.most_seconds = min(most_seconds, thread.deadline * DEADLINE_SHARE)
        self._slow, self._strikes = self.most_seconds * SLOW, 0
        self._count_rows, self._count_slow = count_rows, count_slow
        self.in_work: Callable[[], int] = lambda: 2
        """How many requests are being answered; a single one has nobody to wait for."""
        self._gathered: list[Ticket] = []
        self._report = at_most_every(10.0)

    async def score(
        self, model: ServedModel, items: list[Any], *, explain: bool = False
    ) -> Any | None:
        """What `ModelThread.score` gives and raises, sooner where the model is quick."""
        if explain or not self._fits(model, len(items)):
            return await self.thread.score(model, items, explain=explain)
        ticket = Ticket(model, items, asyncio.get_running_loop().create_future(), explain=False)
        self._gathered.append(ticket)
        if self.in_work() > 1:
            await asyncio.sleep(0)  # what else arrives in this turn comes along
        if self._gathered:
            self._score_gathered()
        if ticket.answer.done():
            return ticket.answer.result()
        return await self.thread.score(model, items)

    def _fits(self, model: ServedModel, rows: int) -> bool:
        """Whether the loop may score these rows; not while the thread seems to hang at others."""
        if rows > self.thread.batch_rows or self.thread.busy_seconds() > self._slow:
            return False
        return self.pace.expects(model, rows) < self.most_seconds

    def _score_gathered(self) -> None:
        """Score what fits into one call; the rest goes to the thread."""
        model, batch, rows = self._gathered[0].model, [], 0
        for ticket in self._gathered:
            if ticket.model is model and self._fits(model, rows + ticket.rows):
                batch.append(ticket)
                rows += ticket.rows
        self._gathered = []
        if not batch:
            return
        begun = time.perf_counter()
        answers = score_together(batch, self._report)
        seconds = time.perf_counter() - begun
        for ticket, scores in zip(batch, answers, strict=True):
            ticket.answer.set_result(scores)
        self._count_rows(rows)
        self._judge(model, rows, seconds)

    def _judge(self, model: ServedModel, rows: int, seconds: float) -> None:
        """Learn from a call on the loop, or send the model to its thread."""
        if seconds < self._slow:
            self._strikes = 0
            self.pace.took(model, rows, seconds)
            return
        self._count_slow()
        self._strikes += 1
        if self._strikes >= STRIKES or seconds > self.thread.deadline:
            self.pace.was_slow()
            self._report(
                f"the model kept the event loop for {seconds * 1000:.0f} ms; "
                "it works in its thread until its calls are quick again"
            )
