"""What each path does; every function takes a request and gives a Reply or raises a Refusal."""

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import Any

from ..errors import RequestError
from ..lookup import Completed, Lookup
from .body import BodyReader, Receive, Scope
from .engine import Engine, Overloaded, at_most_every, place_of
from .live_model import Live, LiveModel
from .metrics import CONTENT_TYPE, Metrics
from .prediction_log import PredictionLog
from .replies import Refusal, Reply, encode

HANGS_SECONDS = 60


class Endpoints:
    """The paths of the server over its parts."""

    def __init__(
        self,
        *,
        model: LiveModel,
        engine: Engine,
        log: PredictionLog,
        metrics: Metrics,
        body_bytes: int,
        lookup_seconds: float,
    ) -> None:
        self.model, self.engine, self.log, self.metrics = model, engine, log, metrics
        self.read = BodyReader(body_bytes)
        self.lookup_seconds = lookup_seconds
        self._report = at_most_every(10.0)
        self.is_leaving = False
        """Set while the server finishes what it accepted and wants no new callers."""

    async def predict(self, scope: Scope, receive: Receive) -> Reply:
        """Answer the rows of a body, by the model or, marked, by the declared fallback."""
        start = time.perf_counter()
        live = self._live()
        predictor = live.predictor
        rows = predictor.decode(await self.read(scope, receive))
        states = None
        if live.lookup:
            rows, states = await self._look_up(live.lookup, rows)
        try:
            scores = None
            if not states or "failed" not in states[0].values():
                scores = await self.engine.score(predictor, rows)
        except Overloaded:
            self.metrics.refused.inc()
            raise Refusal(503, "too many rows are waiting; try again", Retry_After="1") from None
        is_fallback = scores is None
        if scores is None:
            if predictor.contract.fallback.answer == "refuse":
                raise Refusal(503, "the model failed or was too slow", Retry_After="1")
            scores = predictor.fallback(len(rows))
        answers = predictor.answers(scores)
        ids = new_ids(len(rows))
        records = _records(live, ids, is_fallback, rows, answers)
        self._count(answers, is_fallback)
        predictions = [
            {"id": i, **answer, "fallback": is_fallback}
            for i, answer in zip(ids, answers, strict=True)
        ]
        for number, state in enumerate(states or ()):
            predictions[number]["features"] = records[number]["features"] = state
            self.metrics.count_lookups(state)
        self.log.add("predictions", records)
        content = {
            "model_version": live.version,
            "run_id": live.run_id,
            "predictions": predictions,
        }
        self.metrics.latency.observe(time.perf_counter() - start)
        return Reply(200, encode(content))

    async def outcomes(self, scope: Scope, receive: Receive) -> Reply:
        """Take down what became of earlier predictions."""
        decode = self._live().decode_outcomes
        rows = decode(await self.read(scope, receive))
        if not self.log.is_on:
            raise Refusal(
                503, "this server keeps no prediction log; see prediction_log in settings"
            )
        if not self.log.is_writable:
            raise Refusal(503, "the prediction log cannot be written now", Retry_After="30")
        now = datetime.now(UTC)
        records = [{"at": now, **dict(zip(decode.columns, row, strict=True))} for row in rows]
        self.log.add("outcomes", records)
        return Reply(202, encode({"accepted": len(records)}))

    async def about(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say which model answers."""
        return Reply(200, self._live().about)

    async def openapi(self, _scope: Scope, _receive: Receive) -> Reply:
        """The exact description of this interface, for the model that answers."""
        return Reply(200, self._live().openapi)

    async def alive(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say that the process works; a model that hangs for good calls for a new process."""
        if self.engine.busy_seconds() > HANGS_SECONDS:
            raise Refusal(503, f"the model hangs for more than {HANGS_SECONDS} seconds")
        return Reply(200, b'{"status":"alive"}')

    async def ready(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say whether requests should be sent here, and what is wrong if anything is."""
        if self.is_leaving:
            raise Refusal(503, "the server is stopping")
        live = self._live()
        content: dict[str, Any] = {"status": "ready", "model_version": live.version}
        if trouble := self.model.trouble or self.model.store_trouble:
            content["trouble"] = trouble
        return Reply(200, encode(content))

    async def counts(self, _scope: Scope, _receive: Receive) -> Reply:
        """Metrics in the form Prometheus reads."""
        kind = (b"content-type", CONTENT_TYPE.encode())
        return Reply(200, self.metrics.render(), (kind,))

    async def _look_up(self, lookup: Lookup, rows: list[tuple[Any, ...]]) -> Completed:
        try:
            async with asyncio.timeout(self.lookup_seconds):
                return await lookup(rows)
        except RequestError:
            raise
        except Exception as error:  # whatever a store can raise
            self._report(f"features cannot be looked up, the fallback answers: {place_of(error)}")
            return lookup.without(rows)

    def _live(self) -> Live:
        if self.model.now is None:
            raise Refusal(503, f"no model answers: {self.model.trouble}", Retry_After="5")
        return self.model.now

    def _count(self, answers: list[dict[str, Any]], is_fallback: bool) -> None:
        if is_fallback:
            self.metrics.by_fallback.inc(len(answers))
            return
        self.metrics.by_model.inc(len(answers))
        for answer in answers:
            self.metrics.count_answer(answer)


def new_ids(count: int) -> list[str]:
    """Ids nobody can guess, which sort by time: 48 bits of milliseconds, then 80 random bits."""
    now, noise = f"{time.time_ns() // 1_000_000:012x}", os.urandom(10 * count).hex()
    return [now + noise[i : i + 20] for i in range(0, 20 * count, 20)]


def _records(
    live: Live,
    ids: list[str],
    is_fallback: bool,
    rows: list[tuple[Any, ...]],
    answers: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """What the log keeps of each row: no personal column."""
    now = datetime.now(UTC)
    return [
        {
            "id": number,
            "at": now,
            "version": live.version,
            "run_id": live.run_id,
            "fallback": is_fallback,
            "row": {name: row[index] for index, name in live.logged},
            "answer": answer,
        }
        for number, row, answer in zip(ids, rows, answers, strict=True)
    ]
