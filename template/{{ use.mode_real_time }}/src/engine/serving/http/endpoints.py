"""What each path does; every function takes a request and gives a Reply or raises a Refusal."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from engine.core.errors import Problem, RequestError
from engine.serving.http.body import BodyReader, Receive, Scope
from engine.serving.http.replies import Refusal, Reply, encode
from engine.serving.http.telemetry import CONTENT_TYPE, Metrics
from engine.serving.live_model import LiveModel
from engine.serving.prediction_log import PredictionLog
from engine.serving.protocol import Completed, Counts, Json, ServedModel
from engine.serving.scoring.loop import Scoring
from engine.serving.scoring.model_thread import Overloaded, at_most_every, place_of

HANGS_SECONDS = 60
IDS = 256  # drawn at once


class Endpoints:
    """The paths of the server over its parts."""

    def __init__(
        self,
        *,
        model: LiveModel,
        scoring: Scoring,
        log: PredictionLog,
        metrics: Metrics,
        counts: Counts,
        body_bytes: int,
        explain_rows: int,
        lookup_seconds: float,
    ) -> None:
        self.model, self.scoring, self.log = model, scoring, log
        self.metrics, self.counts = metrics, counts
        self.read = BodyReader(body_bytes)
        self.explain_rows, self.lookup_seconds = explain_rows, lookup_seconds
        self._ids = Ids()
        self._report = at_most_every(10.0)
        self.is_leaving = False
        """Set while the server finishes what it accepted and wants no new callers."""

    async def predict(self, scope: Scope, receive: Receive) -> Reply:
        """Answer the items of a body, by the model or, marked, by the declared fallback."""
        start = time.perf_counter()
        self.model_now()
        explain = asked(scope, "explain")
        content = await self.answer(await self.read(scope, receive), explain=explain)
        self.metrics.latency.observe(time.perf_counter() - start)
        return Reply(200, encode(content))

    async def answer(self, body: bytes, *, explain: bool = False) -> Json:
        """Predictions for a body as `/v1/predict` takes it, which are counted and logged.

        Raises RequestError for a body that breaks the contract, Refusal when nothing can answer.
        """
        model = self.model_now()
        return await self.answer_items(model, model.decode(body), explain=explain)

    async def answer_items(
        self, model: ServedModel, items: list[Any], *, explain: bool = False
    ) -> Json:
        """Predictions for what a model decoded, as `answer` gives and raises them."""
        if explain:
            self._require_few(model, len(items))
        states: Sequence[dict[str, str]] = ()
        is_lost = False
        if model.looks_up:
            items, states, is_lost = await self._complete(model, items)
        try:
            scores = None if is_lost else await self.scoring.score(model, items, explain=explain)
        except Overloaded:
            self.metrics.refused.inc()
            raise Refusal(503, "too many are waiting; try again", Retry_After="1") from None
        is_fallback = scores is None
        reasons: Sequence[Json] = ()
        if scores is None:
            scores = model.fallback(len(items))
        if scores is None:
            raise Refusal(503, "the model failed or was too slow", Retry_After="1")
        if explain and not is_fallback:
            scores, reasons = scores
        answers = model.answers(scores)
        ids = self._ids(len(items))
        records = _records(model, ids, is_fallback, items, answers)
        self._count(answers, is_fallback)
        predictions = [
            {"id": i, **answer, "fallback": is_fallback}
            for i, answer in zip(ids, answers, strict=True)
        ]
        for number, reason in enumerate(reasons):
            predictions[number]["explanation"] = reason
        for number, state in enumerate(states):
            predictions[number]["features"] = records[number]["features"] = state
        self.counts.count_lookups(states)
        self.log.add("predictions", records)
        return model.content(predictions)

    def model_now(self) -> ServedModel:
        """The model that answers.

        Raises Refusal when there is none.
        """
        if self.model.now is None:
            raise Refusal(503, f"no model answers: {self.model.trouble}", Retry_After="5")
        return self.model.now

    async def outcomes(self, scope: Scope, receive: Receive) -> Reply:
        """Take down what became of earlier predictions."""
        decode = self.model_now().decode_outcomes
        rows = decode(await self.read(scope, receive))
        if not self.log.is_on:
            raise Refusal(
                503, "this server keeps no prediction log; see prediction_log in settings"
            )
        now = datetime.now(UTC)
        records = [{"at": now, **row} for row in rows]
        try:
            await asyncio.to_thread(self.log.keep, "outcomes", records)
        except OSError as error:
            detail = f"the outcomes could not be written ({error.strerror}); none was kept"
            raise Refusal(503, detail, Retry_After="30") from None
        return Reply(202, encode({"accepted": len(rows)}))

    async def about(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say which model answers."""
        self.model_now()
        return Reply(200, self.model.about)

    async def openapi(self, _scope: Scope, _receive: Receive) -> Reply:
        """The exact description of this interface, for the model that answers."""
        self.model_now()
        return Reply(200, self.model.openapi)

    async def alive(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say that the process works; a model that hangs for good calls for a new process."""
        if self.scoring.thread.busy_seconds() > HANGS_SECONDS:
            raise Refusal(503, f"the model hangs for more than {HANGS_SECONDS} seconds")
        return Reply(200, b'{"status":"alive"}')

    async def ready(self, _scope: Scope, _receive: Receive) -> Reply:
        """Say whether requests should be sent here, and what is wrong if anything is."""
        if self.is_leaving:
            raise Refusal(503, "the server is stopping")
        content: dict[str, Any] = {"status": "ready", "model_version": self.model_now().version}
        if trouble := self.model.trouble or self.model.store_trouble:
            content |= {"status": "degraded", "trouble": trouble}
        return Reply(200, encode(content))

    async def exposition(self, _scope: Scope, _receive: Receive) -> Reply:
        """Metrics in the form Prometheus reads."""
        kind = (b"content-type", CONTENT_TYPE.encode())
        return Reply(200, self.metrics.render(), (kind,))

    async def _complete(self, model: ServedModel, items: list[Any]) -> Completed:
        try:
            async with asyncio.timeout(self.lookup_seconds):
                return await model.complete(items)
        except RequestError:
            raise
        except Exception as error:  # whatever a store can raise
            self._report(f"features cannot be looked up, the fallback answers: {place_of(error)}")
            return model.incomplete(items)

    def _require_few(self, model: ServedModel, items: int) -> None:
        """Each explained item costs as many scorings as the model has features."""
        if not model.probes:
            raise RequestError([Problem("explain", "this model gives no explanations")])
        if items > self.explain_rows:
            rule = f"at most {self.explain_rows} with explain=true"
            detail = f"this request holds {items}; {rule} (explain_rows in settings.toml)"
            raise RequestError([Problem(rule, detail, value=items)])

    def _count(self, answers: list[dict[str, Any]], is_fallback: bool) -> None:
        if is_fallback:
            self.metrics.by_fallback.inc(len(answers))
            return
        self.metrics.by_model.inc(len(answers))
        self.counts.count(answers)


def asked(scope: Scope, name: str) -> bool:
    """Whether the query of a URL says that this is wanted: NAME=true."""
    query = scope.get("query_string", b"")
    if not query:
        return False
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True).get(name, ["false"])[-1]
    if given not in ("true", "false"):
        detail = f"{name}={given[:20]} in the URL; it must be {name}=true or {name}=false"
        raise RequestError([Problem("true or false", detail)])
    return bool(given == "true")


class Ids:
    """Ids nobody can guess, which sort by time: 48 bits of milliseconds, then 80 random bits."""

    def __init__(self) -> None:
        self._noise, self._used = "", 0

    def __call__(self, count: int) -> list[str]:
        """As many ids, each of its own bits, drawn many at once: asking for them is not cheap."""
        start, end = self._used, self._used + 20 * count
        if end > len(self._noise):
            self._noise = os.urandom(10 * max(count, IDS)).hex()
            start, end = 0, 20 * count
        self._used = end
        now, noise = f"{time.time_ns() // 1_000_000:012x}", self._noise
        return [now + noise[i : i + 20] for i in range(start, end, 20)]


def _records(
    model: ServedModel,
    ids: list[str],
    is_fallback: bool,
    items: list[Any],
    answers: list[Json],
) -> list[Json]:
    """What the log keeps of each item: nothing personal."""
    now, loggable, loggable_answer = datetime.now(UTC), model.loggable, model.loggable_answer
    return [
        {
            "id": number,
            "at": now,
            "version": model.version,
            "run_id": model.run_id,
            "fallback": is_fallback,
            "row": loggable(item),
            "answer": loggable_answer(answer),
        }
        for number, item, answer in zip(ids, items, answers, strict=True)
    ]
