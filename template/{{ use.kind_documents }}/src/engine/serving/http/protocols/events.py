"""`POST /v1/ask` as JSON, or as server-sent events where a caller accepts those alone.

Where passages were found is told at once; the answer, when its citations are checked. Whoever
leaves before ends the work: nothing more is asked of an endpoint, and nothing is logged as an
answer.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from typing import cast

from engine.answering import watched
from engine.core.errors import RequestError
from engine.core.settings import Settings
from engine.serving.http import replies
from engine.serving.http.body import Receive, Scope
from engine.serving.http.endpoints import Endpoints, asked
from engine.serving.http.protocols import Operations, Paths
from engine.serving.http.replies import Refusal, Reply
from engine.serving.model import PATHS, Counts
from engine.serving.protocol import Json, ServedModel
from engine.serving.questions.events import HEADERS, TYPE, Told, answered

log = logging.getLogger(__name__)
PREFIX = PATHS.answer.path
FOLLOWED = ("id", "refused", "fallback", "cached", "method", "index_version")


def paths(to: Endpoints, settings: Settings) -> Paths:
    """The path of questions, with both ways to answer."""
    del settings
    return {PREFIX: {"POST": Ask(to)}}


def refused(refusal: Refusal) -> Reply:
    """A refusal before anything is sent is the server's own."""
    return refusal.reply()


def described(model: ServedModel, settings: Settings) -> tuple[Operations, Json]:
    """Nothing more: the server's own document has the path, with both ways to answer."""
    del model, settings
    return {}, {}


class Ask:
    """Answers a question at once, or tells how it goes."""

    def __init__(self, to: Endpoints) -> None:
        self._to, self._counts = to, cast(Counts, to.counts)

    async def __call__(self, scope: Scope, receive: Receive) -> Reply:
        """The answer as JSON; its events for `Accept: text/event-stream`."""
        accepts = dict(scope["headers"]).get(b"accept", b"").lower()
        start = time.perf_counter()
        model, explain = self._to.model_now(), asked(scope, "explain")
        body = await self._to.read(scope, receive)
        if TYPE.encode() not in accepts or b"application/json" in accepts:
            content = await self._answered(scope, body, explain, None)
            self._to.metrics.latency.observe(time.perf_counter() - start)
            return Reply(200, replies.encode(content))
        model.decode(body)  # what is wrong is refused before anything is sent
        told = Told()
        work = asyncio.create_task(self._answered(scope, body, explain, told))
        return Reply(200, b"", HEADERS, self._events(work, told, start))

    async def _answered(self, scope: Scope, body: bytes, explain: bool, told: Told | None) -> Json:
        """The answer; whoever follows answers knows of the request, and how it went."""
        model = self._to.model_now()
        given = {n.decode("latin-1"): value.decode("latin-1") for n, value in scope["headers"]}
        facts = {"verb": "POST", "route": PREFIX, "path": scope["path"], "headers": given}
        with watched.step("ask", **facts) as step:
            try:
                items = [item._replace(tell=told) for item in model.decode(body)]
                content = await self._to.answer_items(model, items, explain=explain)
            except RequestError as error:
                step.note(status=replies.refused(error).status)
                raise
            except Refusal as refusal:
                step.note(status=refusal.status)
                raise
            step.note(status=200, **{name: content.get(name) for name in FOLLOWED})
            return content

    async def _events(
        self, work: "asyncio.Task[Json]", told: Told, start: float
    ) -> AsyncGenerator[bytes]:
        try:
            async for piece in told.until(work):
                yield piece
            yield answered(await work)
            self._to.metrics.latency.observe(time.perf_counter() - start)
            self._counts.count_stream("done")
        except RequestError as error:
            yield self._failed(replies.refused(error))
        except Refusal as refusal:
            yield self._failed(refusal)
        except (asyncio.CancelledError, GeneratorExit):
            self._counts.count_stream("left")
            seconds = time.perf_counter() - start
            log.info("a caller left after %.1f s; the answer is not finished", seconds)
            raise
        except Exception as error:
            yield self._failed(replies.mishap(error))
        finally:
            work.cancel()

    def _failed(self, refusal: Refusal) -> bytes:
        self._counts.count_stream("failed")
        return b"event: error\ndata: %s\n\n" % refusal.reply().body
