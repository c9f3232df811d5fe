"""The application, asked without a socket, as what a platform's answers are held against."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.serving.http.app import App

from .conformance import Ask, Case, Reply


@contextmanager
def ask_app(app: App) -> Iterator[Ask]:
    """A function that asks an application, which is started and stopped."""
    with asyncio.Runner() as runner:
        runner.run(app.start())
        yield lambda case: runner.run(_answer(app, case))
        runner.run(app.stop())


async def _answer(app: App, case: Case) -> Reply:
    path, _, query = case.path.partition("?")
    sent: list[Any] = []
    scope = {"type": "http", "method": case.method, "path": path, "query_string": query.encode()}
    scope["headers"] = [(k.lower().encode(), v.encode()) for k, v in case.headers.items()]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": case.body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    kind = dict(sent[0]["headers"])[b"content-type"].decode()
    return Reply(sent[0]["status"], kind, sent[1]["body"])
