"""The server as a bare ASGI application: seven paths, JSON in, JSON or a problem document out.

Beside them are pages for browsers, which `pages = false` in settings.toml turns off.

A framework's routing and validation would cost more than everything done here.
"""

import asyncio
import contextlib
import logging

from engine.contract import app
from engine.core.errors import RequestError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.serving.http import protocols
from engine.serving.http.body import Disconnected, Receive, Scope, Send
from engine.serving.http.endpoints import Endpoints
from engine.serving.http.pages import key
from engine.serving.http.pages.paths import Pages
from engine.serving.http.protocols import Endpoint, Paths
from engine.serving.http.replies import NO_GUESS, Refusal, mishap, pour, refused
from engine.serving.http.telemetry import Metrics
from engine.serving.live_model import LiveModel, spare
from engine.serving.model import PATHS, Counts, Models
from engine.serving.openapi import GUARDED
from engine.serving.prediction_log import PredictionLog
from engine.serving.scoring.loop import Scoring
from engine.serving.scoring.model_thread import ModelThread
from engine.serving.scoring.pace import Pace

log = logging.getLogger(__name__)


class App:
    """Everything a serving process holds; uvicorn calls it."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._key = settings, settings.api_key.encode()
        self.metrics = Metrics(settings.name)
        self.counts = Counts(self.metrics.collectors)
        self.thread = ModelThread(
            Pace(),
            deadline=settings.deadline_ms / 1000,
            queue_rows=settings.queue_rows,
            batch_rows=settings.batch_rows,
        )
        self.scoring = Scoring(
            self.thread,
            most_seconds=settings.loop_ms / 1000,
            count_rows=self.metrics.on_loop.inc,
            count_slow=self.metrics.slow_calls.inc,
        )
        self.metrics.watch_queue(lambda: self.thread.waiting)
        self.metrics.watch_pace(lambda: self.thread.pace.row)
        self.log = PredictionLog(
            settings.prediction_log, settings.prediction_log_mb, self.metrics.dropped.inc
        )
        self.model = LiveModel(
            Registry(Storage(settings.store)),
            Models(settings),
            has_key=bool(settings.api_key),
            beside=lambda model: protocols.described(model, settings),
        )
        self.metrics.watch_model(lambda: bool(self.model.now and self.model.trouble))
        self.endpoints = Endpoints(
            model=self.model,
            scoring=self.scoring,
            log=self.log,
            metrics=self.metrics,
            counts=self.counts,
            body_bytes=settings.body_bytes,
            explain_rows=settings.explain_rows,
            lookup_seconds=settings.lookup_ms / 1000,
        )
        self._own = app.routes().application
        self._paths = routes(self.endpoints) | protocols.spoken(self.endpoints, settings)
        self._pages = Pages(settings, self.model)
        self._look = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life."""
        if scope["type"] == "lifespan":
            await self._live_through(receive, send)
            return
        path = protocols.listed(scope["path"], self._paths)
        if self._own and path not in self._paths and path not in self._pages.paths:
            await self._own(scope, receive, send)
            return
        try:
            reply = await self._endpoint(scope, path)(scope, receive)
        except Refusal as refusal:
            reply = protocols.refused(path, refusal)
        except RequestError as error:
            reply = protocols.refused(path, refused(error))
        except Disconnected:
            return
        except Exception as error:
            reply = protocols.refused(path, mishap(error))
        self.metrics.count_reply(path if path in self._paths else self._kind(path), reply.status)
        headers = [*reply.headers, NO_GUESS]
        if reply.pieces is None:
            headers.append((b"content-length", b"%d" % len(reply.body)))
        if self.endpoints.is_leaving:
            headers.append((b"connection", b"close"))
        try:
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            if reply.pieces is not None:
                await pour(reply.pieces, receive, send)
                return
            await send({"type": "http.response.body", "body": reply.body})
        except RuntimeError:  # uvloop's word for a caller who left meanwhile
            log.debug("nobody was there to read an answer")

    def _endpoint(self, scope: Scope, path: str) -> Endpoint:
        methods = self._paths.get(path) or self._page(path)
        if methods is None:
            raise Refusal(
                404, "there is nothing at this path; /openapi.json lists the server's own"
            )
        endpoint = methods.get(scope["method"])
        if endpoint is None:
            allowed = ", ".join(methods)
            raise Refusal(405, f"this path takes {allowed}", Allow=allowed)
        is_report = path in self._pages.guarded
        if self._key and (path.startswith(GUARDED) or is_report):
            return self._with_key(scope, path, endpoint, is_report=is_report)
        return endpoint

    def _with_key(
        self, scope: Scope, path: str, endpoint: Endpoint, *, is_report: bool
    ) -> Endpoint:
        if key.is_given(scope, self._key, by_password=is_report):
            return endpoint
        if is_report and key.is_browser(scope):
            return self._pages.guarded[path]
        raise Refusal(401, "send the key in the header X-API-Key", WWW_Authenticate="ApiKey")

    def _page(self, path: str) -> dict[str, Endpoint] | None:
        found = self._pages.paths.get(path)
        return {"GET": found, "HEAD": found} if found else None

    def _kind(self, path: str) -> str:
        return "page" if path in self._pages.paths else "other"

    def look_again(self) -> None:
        """Follow the registry now, without waiting for the next look."""
        self._look.set()

    async def start(self, *, follows: bool = True) -> None:
        """Load the champion and start the threads; the server answers even when there is none.

        With `follows=False` nothing happens between requests: whoever brings them calls `refresh`,
        and `flush` of the log.
        """
        self.thread.start()
        await self.refresh()
        if follows:
            self.log.start()
            self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Write out what is left."""
        if self._follower:
            self._follower.cancel()
        self.thread.stop()
        await asyncio.to_thread(self.model.close)
        await asyncio.to_thread(self.log.stop)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), self._settings.reload_seconds)
            self._look.clear()
            await self.refresh()

    async def refresh(self) -> None:
        """Let the champion answer if another version does."""
        if await asyncio.to_thread(self.model.refresh) and self.model.now:
            now = self.model.now
            self.metrics.set_version(now.version, now.run_id, now.p99_ms)
            self.counts.expect(now)
            spare()

    async def _live_through(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def routes(to: Endpoints) -> Paths:
    """Every path of the server's own with what it takes."""
    read = {
        "/v1/model": to.about,
        "/health/live": to.alive,
        "/health/ready": to.ready,
        "/metrics": to.exposition,
        "/openapi.json": to.openapi,
    }
    return {
        PATHS.answer.path: {"POST": to.predict},
        PATHS.outcomes.path: {"POST": to.outcomes},
        **{path: {"GET": endpoint, "HEAD": endpoint} for path, endpoint in read.items()},
    }
