"""The real application, asked without a port: a good row, a wrong one, and a model that is late."""

import asyncio
from typing import Any

import httpx
import msgspec
import pandas as pd
import pytest

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.settings import Settings
from engine.serving.http.app import App
from tests.sent import as_json, wrong_value


@pytest.fixture
def row(contract: Contract, rows: pd.DataFrame) -> dict[str, Any]:
    """A row as a caller sends it."""
    return as_json(rows.tail(1), contract.sent)[0]


def post(settings: Settings, rows: list[dict[str, Any]]) -> httpx.Response:
    """What the server answers to these rows."""

    async def ask() -> httpx.Response:
        application: Any = App(settings)
        await application.start()
        there = httpx.ASGITransport(application)
        try:
            async with httpx.AsyncClient(transport=there, base_url="http://model") as client:
                return await client.post("/v1/predict", json={"rows": rows})
        finally:
            await application.stop()

    return asyncio.run(ask())


def test_a_row_of_the_data_is_answered_by_the_model(
    settings: Settings, row: dict[str, Any], contract: Contract
) -> None:
    reply = post(settings, [row])

    assert reply.status_code == 200, reply.text
    [answer] = reply.json()["predictions"]
    assert not answer["fallback"]
    assert answer["label"] in contract.classes if contract.classes else "value" in answer


def test_a_wrong_row_is_refused_by_its_number_column_and_rule(
    settings: Settings, row: dict[str, Any], contract: Contract
) -> None:
    column, value = wrong_value(contract)

    reply = post(settings, [row, {**row, column: value}])

    assert reply.status_code == 422, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    [problem] = reply.json()["problems"]
    assert (problem["row"], problem["column"], problem["value"]) == (1, column, value)
    assert f"must be {problem['rule']}" in problem["detail"]


def test_the_declared_fallback_answers_when_the_model_is_too_slow(
    settings: Settings, row: dict[str, Any], contract: Contract
) -> None:
    reply = post(msgspec.structs.replace(settings, deadline_ms=1e-6), [row])

    if contract.fallback.answer == "refuse":
        assert reply.status_code == 503, reply.text
    else:
        assert reply.status_code == 200, reply.text
        assert reply.json()["predictions"][0]["fallback"]


def test_paths_of_your_own_are_an_application_or_none() -> None:
    application = app.routes().application

    assert application is None or callable(application)
