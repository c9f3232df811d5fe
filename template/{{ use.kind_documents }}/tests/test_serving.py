"""The real application, asked without a port: questions, wrong bodies, feedback, what is kept."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.contract import app
from engine.core.settings import Settings
from engine.serving.http.app import App
from tests.conftest import Built

Ask = Callable[..., list[httpx.Response]]


@pytest.fixture
def ask(settings: Settings) -> Ask:
    """Posts each (path, body) to the application and gives the answers."""

    def posted(*requests: tuple[str, Any]) -> list[httpx.Response]:
        async def run() -> list[httpx.Response]:
            application: Any = App(settings)
            await application.start()
            there = httpx.ASGITransport(application)
            try:
                async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
                    return [await client.post(path, json=body) for path, body in requests]
            finally:
                await application.stop()

        return asyncio.run(run())

    return posted


def test_a_question_is_answered_with_a_citation(ask: Ask, built: Built) -> None:
    question = next(iter(built.bundle.manifest.examples), "")
    if not question:
        pytest.skip("evaluation/questions.jsonl asks nothing about these documents")

    [reply] = ask(("/v1/ask", {"question": question}))

    assert reply.status_code == 200, reply.text
    answer = reply.json()
    # no endpoint is asked here, so that the documents answer for a language model that is named
    is_named = bool(built.bundle.contract.answer.model)
    assert (answer["index_version"], answer["fallback"]) == (1, is_named)
    assert answer["refused"] or answer["citations"][0]["quote"]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({}, "required"),
        ({"question": ""}, "1 to 2000 characters"),
        ({"question": 7}, "a text"),
        ({"question": "?!"}, "a text with words"),
        ({"question": "Why?", "temperature": 1}, "unknown field"),
    ],
)
def test_a_wrong_body_is_refused_by_field_and_rule(ask: Ask, body: Any, rule: str) -> None:
    [reply] = ask(("/v1/ask", body))

    assert reply.status_code == 422, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert [problem["rule"] for problem in reply.json()["problems"]] == [rule]


def test_what_is_kept_holds_no_personal_data(ask: Ask, settings: Settings) -> None:
    secret = "ada@example.org"
    question = f"Is {secret} with the card 4111 1111 1111 1111 a member?"

    said, noted = ask(
        ("/v1/ask", {"question": question}),
        ("/v1/feedback", {"id": "0" * 32, "helpful": False, "comment": f"tell {secret}"}),
    )

    assert (said.status_code, noted.status_code) == (200, 202)
    files = sorted(Path(settings.prediction_log).iterdir())
    kept = "\n".join(file.read_text("utf-8") for file in files)
    assert {file.name.partition("-")[0] for file in files} == {"outcomes", "predictions"}
    assert said.json()["id"] in kept
    assert secret not in kept
    assert "4111" not in kept
    assert json.loads(kept.splitlines()[0])["helpful"] is False


def test_paths_of_your_own_are_an_application_or_none() -> None:
    application = app.routes().application

    assert application is None or callable(application)
