"""Answers as server-sent events: what is told when, whoever leaves, whatever fails meanwhile."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from engine.core.settings import Settings
from engine.serving.http.app import App
from engine.serving.questions import events

from .small_bundle import ROOT
from .stand_in import StandIn, Step, breaks, claims, playing, sends, slow
from .test_endpoint import CONTRACT, GOOD, QUESTION, QUOTE, stored

EVENTS = {"accept": "text/event-stream"}
Json = dict[str, Any]
Told = list[tuple[str, Json]]


def parsed(text: str) -> Told:
    """Events by their names, as the HTML standard reads them; comments are left out."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def app_of(store: str, **settings: Any) -> App:
    """The application over a store."""
    return App(Settings(store=store, **{"prediction_log": "", "deadline_ms": 5000} | settings))


def ask(
    store: str, body: Any, headers: Json = EVENTS, path: str = "/v1/ask", **settings: Any
) -> Any:
    """The reply to a question of an application without a port, and its metrics."""

    async def run() -> tuple[httpx.Response, str]:
        application: Any = app_of(store, **settings)
        await application.start()
        there = httpx.ASGITransport(application)
        try:
            async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
                reply = await client.post(path, json=body, headers=headers)
                return reply, (await client.get("/metrics")).text
        finally:
            await application.stop()

    return asyncio.run(run())


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose champion asks a language model."""
    return stored(tmp_path, CONTRACT)


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """A store whose champion asks nobody."""
    return stored(tmp_path / "plain", "[answer]\nrefuse_below = 0.4\n")


def test_search_answer_and_rest_come_one_after_the_other(store: str) -> None:
    with playing(GOOD) as server:
        reply, metrics = ask(store, {"question": QUESTION}, llm_url=server.url)
        same, _ = ask(store, {"question": QUESTION}, headers={}, llm_url=server.url)

    told = parsed(reply.text)
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["x-accel-buffering"] == "no"
    assert "content-length" not in reply.headers
    assert [name for name, _ in told] == ["search", "answer", "done"]
    search, answer, done = (content for _, content in told)
    assert search["asks"] == "small-model"
    assert search["sources"][0] == {"document": "cats.md", "title": "Cats", "heading": "Cats"}
    assert answer["answer"] == "It sleeps for 14 hours."
    assert answer["citations"][0]["quote"] == QUOTE
    assert done["usage"] == {"prompt_tokens": 100, "completion_tokens": 20}
    assert {**answer, **done, "id": ""} == {**same.json(), "id": ""}
    assert 'answer_streams_total{end="done",project="model"} 1.0' in metrics


def test_without_a_language_model_the_search_is_told_too(plain: str) -> None:
    reply, _ = ask(plain, {"question": QUESTION})

    (_, search), (_, answer), _ = parsed(reply.text)
    assert search["asks"] is None
    assert (search["sources"][0]["document"], answer["method"]) == ("cats.md", "extractive")


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/event-stream, application/json"]
)
def test_whoever_takes_json_gets_json(plain: str, accept: str) -> None:
    reply, _ = ask(plain, {"question": QUESTION}, headers={"accept": accept})

    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "headers", "path", "status"),
    [
        ({}, EVENTS, "/v1/ask", 422),
        ({"question": "x" * 2001}, EVENTS, "/v1/ask", 422),
        ({"question": QUESTION}, EVENTS | {"content-type": "text/plain"}, "/v1/ask", 415),
        ({"question": QUESTION}, EVENTS, "/v1/ask?explain=1", 422),
    ],
)
def test_what_is_wrong_before_the_work_is_refused_as_ever(
    plain: str, body: Any, headers: Json, path: str, status: int
) -> None:
    reply, _ = ask(plain, body, headers, path)

    assert (reply.status_code, reply.json()["status"]) == (status, status)
    assert reply.headers["content-type"] == "application/problem+json"


def test_an_explanation_that_there_is_not_is_an_event(plain: str) -> None:
    reply, metrics = ask(plain, {"question": QUESTION}, path="/v1/ask?explain=true")

    [(name, problem)] = parsed(reply.text)
    assert (name, problem["status"]) == ("error", 422)
    assert "no explanations" in problem["detail"]
    assert 'answer_streams_total{end="failed",project="model"} 1.0' in metrics


def test_a_key_is_asked_for(plain: str) -> None:
    without, _ = ask(plain, {"question": QUESTION}, api_key="secret")
    with_it, _ = ask(
        plain, {"question": QUESTION}, EVENTS | {"x-api-key": "secret"}, api_key="secret"
    )

    assert (without.status_code, with_it.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (slow(5, GOOD), "time"),
        (claims("It sleeps for 15 hours.", (1, QUOTE)), "named a number"),
        (sends(500, {}), "it answered 500"),
        (breaks, "cannot be reached"),
    ],
)
def test_nothing_of_a_model_is_sent_that_was_not_checked(store: str, step: Step, why: str) -> None:
    with playing(step) as server:
        start = time.monotonic()
        reply, _ = ask(
            store, {"question": QUESTION}, llm_url=server.url, llm_attempts=1, lookup_ms=1000
        )

    names = [name for name, _ in parsed(reply.text)]
    answer = parsed(reply.text)[1][1]
    assert names == ["search", "answer", "done"]
    assert (answer["fallback"], answer["answer"]) == (True, QUOTE)
    assert why in answer["fallback_reason"]
    assert "15 hours" not in reply.text
    assert time.monotonic() - start < 3


def test_a_search_that_fails_is_an_event_without_its_reasons(
    plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise MemoryError("secret place")

    async def run() -> str:
        application: Any = app_of(plain)
        await application.start()
        monkeypatch.setattr("engine.answering.answerer.Answerer.answer", broken)
        there = httpx.ASGITransport(application)
        try:
            async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
                reply = await client.post("/v1/ask", json={"question": QUESTION}, headers=EVENTS)
                return reply.text
        finally:
            await application.stop()

    [(name, problem)] = parsed(asyncio.run(run()))
    assert (name, problem["status"]) == ("error", 503)
    assert "secret" not in json.dumps(problem)


def test_a_sign_of_life_keeps_the_connection(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT", 0.05)
    with playing(slow(0.4, GOOD)) as server:
        reply, _ = ask(store, {"question": QUESTION}, llm_url=server.url)

    assert reply.text.count(": waiting\n\n") >= 3
    assert [name for name, _ in parsed(reply.text)] == ["search", "answer", "done"]


def test_openapi_says_what_is_sent(plain: str) -> None:
    async def run() -> Json:
        application: Any = app_of(plain)
        await application.start()
        there = httpx.ASGITransport(application)
        try:
            async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
                found: Json = (await client.get("/openapi.json")).json()
                return found
        finally:
            await application.stop()

    document = asyncio.run(run())
    content = document["paths"]["/v1/ask"]["post"]["responses"]["200"]["content"]
    assert {*content} == {"application/json", "text/event-stream"}
    reply, _ = ask(plain, {"question": QUESTION})
    schema = {**document["components"]["schemas"]["AskResponse"]}
    merged = {name: value for _, part in parsed(reply.text)[1:] for name, value in part.items()}
    jsonschema.validate(merged, schema)


class Served:
    """A server in a process of its own, with what it logged."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process, self.url = process, url

    def ended(self) -> str:
        """End it as a platform does; the log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return log


@contextmanager
def served(folder: Path, endpoint: StandIn, **settings: str) -> Iterator[Served]:
    """The champion of `folder` on a port of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    env |= {"PYTHONPATH": str(ROOT / "src"), "APP_PORT": "0", "APP_LLM_URL": endpoint.url}
    env |= {"APP_DEADLINE_MS": "5000"}
    env |= {f"APP_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "serve"],
        cwd=folder,
        env=env,
        stdout=-1,
        stderr=-1,
        text=True,
    )
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        assert process.stdout
        said = process.stdout.readline()
        assert said.startswith("serving on "), process.communicate()
        yield Served(process, said.split()[-1])
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


def test_whoever_leaves_ends_the_work(store: str, tmp_path: Path) -> None:
    begun, ended = threading.Event(), threading.Event()

    def waits(handler: Any, _: Json) -> None:
        begun.set()
        handler.connection.settimeout(20)
        assert handler.connection.recv(1) == b""  # the server hangs up: nobody wants it any more
        ended.set()

    with playing(waits) as endpoint, served(tmp_path, endpoint) as server:
        with httpx.stream(
            "POST", f"{server.url}/v1/ask", json={"question": QUESTION}, headers=EVENTS
        ) as reply:
            lines = reply.iter_lines()  # without a name it would end here, and the stream with it
            assert next(lines) == "event: search"
            assert begun.wait(10)
        assert ended.wait(5)
        metrics = httpx.get(f"{server.url}/metrics").text
        log = server.ended()

    assert store.endswith("store")
    assert 'answer_streams_total{end="left",project="model"} 1.0' in metrics
    assert 'answers_total{outcome="answered",project="model"} 0.0' in metrics
    assert "a caller left after" in log
    assert "Traceback" not in log
    assert not list(tmp_path.rglob("predictions*"))


def test_a_stream_is_finished_after_sigterm(store: str, tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def waits(handler: Any, body: Json) -> None:
        asked.set()
        assert go_on.wait(20)
        GOOD(handler, body)

    with playing(waits) as endpoint, served(tmp_path, endpoint) as server:
        with httpx.stream(
            "POST", f"{server.url}/v1/ask", json={"question": QUESTION}, headers=EVENTS, timeout=30
        ) as reply:
            lines = reply.iter_lines()
            assert next(lines) == "event: search"
            assert asked.wait(5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(2.5)  # longer than the server waits for callers who might still come
            assert server.process.poll() is None
            go_on.set()
            rest = "\n".join(lines)
        server.process.wait(60)

    assert store.endswith("store")
    assert "event: answer" in rest
    assert '"answer":"It sleeps for 14 hours."' in rest
    assert "event: done" in rest
    assert server.process.returncode == 0


def test_many_streams_at_once_keep_apart(store: str) -> None:
    async def run(url: str) -> list[Told]:
        application: Any = app_of(store, llm_url=url)
        await application.start()
        there = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
            asked = [
                client.post("/v1/ask", json={"question": question}, headers=EVENTS)
                for question in [QUESTION, "When does the night train to Oslo leave?"] * 8
            ]
            replies = await asyncio.gather(*asked)
        await application.stop()
        return [parsed(reply.text) for reply in replies]

    def by_question(handler: Any, body: Json) -> None:
        is_cat = QUESTION in body["messages"][0]["content"]
        text, quote = ("Cats.", QUOTE) if is_cat else ("Oslo.", "The night train to Oslo leaves")
        claims(text, (1, quote))(handler, body)

    logging.getLogger("httpx").setLevel(logging.WARNING)
    with playing(by_question) as server:
        found = asyncio.run(run(server.url))

    assert [told[1][1]["answer"] for told in found] == ["Cats.", "Oslo."] * 8
    assert [told[0][1]["sources"][0]["document"] for told in found] == ["cats.md", "trains.txt"] * 8


def test_what_was_told_is_not_told_again() -> None:
    async def run() -> list[bytes]:
        told = events.Told()
        for number in (1, 2):  # an endpoint was late, and the search is done without it
            told("search", {"number": number})
        return [piece async for piece in told.until(asyncio.create_task(asyncio.sleep(0)))]

    assert asyncio.run(run()) == [b'event: search\ndata: {"number":1}\n\n']
