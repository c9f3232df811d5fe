"""A server that knows no table answers, refuses, logs and describes itself."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engine.commands import up
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.serving.http.app import App


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with a champion."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_PORT", "0")
    assert up.main(["up", "--once"]) == 0
    return str(tmp_path / "store")


def ask(store: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and content of an answer."""
    sent: list[Any] = []
    content = b"" if body is None else json.dumps(body).encode()
    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}

    async def receive() -> Any:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        server = App(Settings(store=store, prediction_log=""))
        await server.start()
        await server(scope, receive, send)
        await server.stop()

    asyncio.run(run())
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_an_answer_is_given(store: str) -> None:
    status, content = ask(store, "POST", "/v1/echo", {"texts": ["good day", "bye"]})

    assert status == 200
    assert [p["answer"] for p in content["echoes"]] == ["You said: good day", "You said: bye"]


def test_a_bad_request_is_refused(store: str) -> None:
    status, content = ask(store, "POST", "/v1/echo", {"text": "good day"})

    assert (status, content["problems"][0]["rule"]) == (422, "shape")


def test_it_describes_itself(store: str) -> None:
    assert ask(store, "GET", "/openapi.json")[1]["info"]["title"] == "Echo"
    assert ask(store, "GET", "/v1/model")[1]["word"] == "You said:"
    assert Registry(Storage(store)).load()[0] == 1
