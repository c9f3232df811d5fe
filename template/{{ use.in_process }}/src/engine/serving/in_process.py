"""The server's application without a socket, for platforms that bring requests themselves."""

import asyncio
import threading
from collections.abc import Mapping, MutableMapping
from concurrent.futures import Future
from typing import Any, NamedTuple
from urllib.parse import unquote

from engine.core.settings import Settings
from engine.serving.http.app import App


class Answer(NamedTuple):
    """What the server would have sent."""

    status: int
    headers: list[tuple[str, str]]
    """In their order; a name may come twice."""
    body: bytes


class InProcess:
    """Answers requests as the server does: the same bytes, ids, log, metrics and fallback.

    The application lives on an event loop in a thread of its own, so any number of threads may ask
    at once, and what waits together is scored together. With `follows=False` nothing happens
    between two requests: the caller says when to look at the registry, and when to write the log.
    """

    def __init__(self, settings: Settings, *, follows: bool = True) -> None:
        self.app = App(settings)
        self._follows = follows
        self._look: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="application", daemon=True
        )
        self._thread.start()
        self._run(self.app.start(follows=follows))

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

    def refresh(self, patience: float) -> None:
        """Look at the registry, and wait for that at most `patience` seconds.

        A look that takes longer goes on; the next call waits for the same one.
        """
        self._run(self._refresh(patience))

    def flush(self) -> None:
        """Write what waits for the prediction log; with `follows` a thread does that."""
        self.app.log.flush()

    def close(self) -> None:
        """Answer no more, and write out what is left."""
        self.app.endpoints.is_leaving = True
        if self._look:
            self._loop.call_soon_threadsafe(self._look.cancel)
        self._run(self.app.stop())
        if not self._follows:
            self.flush()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _refresh(self, patience: float) -> None:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self.app.refresh())
        await asyncio.wait({self._look}, timeout=patience)

    async def _answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        path, _, query = path.partition("?")
        sent: list[MutableMapping[str, Any]] = []
        given = {name.lower(): value for name, value in headers.items()}
        given["content-length"] = str(len(body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "https",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode("utf-8", "replace"),
            "query_string": query.encode("utf-8", "replace"),
            "headers": [(_bytes(name), _bytes(value)) for name, value in given.items()],
        }
        is_read = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal is_read
            if is_read:  # an application that asks again waits for a caller who leaves
                await asyncio.get_running_loop().create_future()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        found = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in sent[0]["headers"]]
        return Answer(sent[0]["status"], found, b"" if method == "HEAD" else content)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
