"""The server's application without a socket, for platforms that bring requests themselves."""

import asyncio
import threading
from collections.abc import Mapping, MutableMapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from engine.core.settings import Settings
from engine.serving.http.app import App


class Answer(NamedTuple):
    """What the server would have sent."""

    status: int
    headers: dict[str, str]
    body: bytes


class InProcess:
    """Answers requests as the server does: the same bytes, ids, log, metrics and fallback.

    The application lives on an event loop in a thread of its own, so any number of threads may ask
    at once, and what waits together is scored together.
    """

    def __init__(self, settings: Settings) -> None:
        self.app = App(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="application", daemon=True
        )
        self._thread.start()
        self._run(self.app.start())

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer one request; `path` may end in a query, as it stands in a URL."""
        return self.begin(method, path, body, headers).result()

    def begin(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Future[Answer]:
        """Begin to answer one request; more of them may begin before a result is asked for."""
        answer = self._answer(method, path, body, headers or {})
        return asyncio.run_coroutine_threadsafe(answer, self._loop)

    def close(self) -> None:
        """Answer no more, and write out what is left."""
        self.app.endpoints.is_leaving = True
        self._run(self.app.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        path, _, query = path.partition("?")
        sent: list[MutableMapping[str, Any]] = []
        given = {name.lower(): value for name, value in headers.items()}
        given["content-length"] = str(len(body))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode("latin-1", "replace"),
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in given.items()],
        }

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        found = {k.decode("latin-1"): v.decode("latin-1") for k, v in sent[0]["headers"]}
        return Answer(sent[0]["status"], found, content)
