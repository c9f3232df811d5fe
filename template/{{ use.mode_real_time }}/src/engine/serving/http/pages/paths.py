"""The paths for browsers; with `pages = false` in settings.toml there is none of them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from engine.core.settings import Settings
from engine.serving.http.body import Receive, Scope
from engine.serving.http.pages import docs
from engine.serving.http.pages.markup import HTML, reply
from engine.serving.http.pages.reports import Report, Shelf, locked
from engine.serving.http.replies import Refusal, Reply
from engine.serving.live_model import LiveModel
from engine.serving.model import REPORTS

Endpoint = Callable[[Scope, Receive], Awaitable[Reply]]

FILES = Path(__file__).parents[5] / "web/app"
KINDS = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
KINDS |= {".html": HTML, ".js": "text/javascript; charset=utf-8"}
FIRST = "index.html"
JSON = "application/json"


class Pages:
    """Everything for browsers, made once: a request gets bytes that are there already."""

    def __init__(self, settings: Settings, model: LiveModel) -> None:
        self._model, self._key = model, bool(settings.api_key)
        self._made: tuple[object, bytes, bytes] = (None, b"", b"")
        self._making = asyncio.Lock()
        self._links = [("docs", "How to ask from a program"), ("openapi.json", "OpenAPI")]
        self.paths: dict[str, Endpoint] = {}
        self.guarded: dict[str, Endpoint] = {}
        """Those that need the key, where there is one, each with the page that asks for it."""
        if not settings.pages:
            return
        files = {path.name: path for path in FILES.glob("*") if path.suffix in KINDS}
        replies = {name: reply(p.read_bytes(), KINDS[p.suffix]) for name, p in files.items()}
        self.paths = {f"/app/{n}": _fixed(found) for n, found in replies.items() if n != FIRST}
        self.paths |= {"/docs": self._docs, "/v1/form": self._form}
        self.paths["/"] = _fixed(replies[FIRST]) if FIRST in replies else self._docs
        reports: tuple[Report, ...] = REPORTS
        self.paths |= {report.path: _shown(report, settings) for report in reports}
        self.guarded = {report.path: _fixed(locked(report)) for report in reports}
        if settings.is_local or self._key:  # nobody else is shown them
            self._links[1:1] = [(report.path[1:], report.title) for report in reports]

    async def _docs(self, _scope: Scope, _receive: Receive) -> Reply:
        return reply((await self._now())[1])

    async def _form(self, _scope: Scope, _receive: Receive) -> Reply:
        return reply((await self._now())[2], JSON)

    async def _now(self) -> tuple[object, bytes, bytes]:
        """What is derived from the model that answers, made when it is first asked for."""
        model = self._model.now
        if model is None:
            raise Refusal(503, f"no model answers: {self._model.trouble}", Retry_After="5")
        async with self._making:
            if self._made[0] is not model:
                openapi = msgspec.json.decode(self._model.openapi)
                written = await asyncio.to_thread(docs.made, openapi)
                form = msgspec.json.encode({**model.form, "pages": self._links})
                self._made = (model, written, form)
            return self._made


def _fixed(found: Reply) -> Endpoint:
    async def give(_scope: Scope, _receive: Receive) -> Reply:
        return found

    return give


def _shown(report: Report, settings: Settings) -> Endpoint:
    shelf = Shelf(report, settings)

    async def give(scope: Scope, _receive: Receive) -> Reply:
        return await asyncio.to_thread(shelf, scope)

    return give
