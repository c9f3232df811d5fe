"""Names and values of the data are text in every answer: no browser takes one for a page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from .hostile import CLASSES, COLUMNS, HOSTILE, TARGET, TEXT, VALUES
from .http_server import in_thread

ROW = {
    HOSTILE["first"]: HOSTILE["red"],
    HOSTILE["second"]: HOSTILE["green"],
    HOSTILE["third"]: 0.5,
    HOSTILE["fourth"]: 3,
    HOSTILE["fifth"]: "2026-02-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def client(hostile: Path) -> Iterator[httpx.Client]:
    """A server for the model of hostile names and values."""
    with in_thread(hostile / "store") as (client, _):
        yield client


def read(reply: httpx.Response, status: int) -> Any:
    """An answer, which says that it is JSON and is."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] in ("application/json", "application/problem+json")
    assert reply.headers["x-content-type-options"] == "nosniff"
    return reply.json()


def test_answers_hold_the_classes_as_they_are(client: httpx.Client) -> None:
    sent = {name: ROW[name] for name in example(client)}

    found = read(client.post("/v1/predict", json={"rows": [sent]}), 200)["predictions"][0]

    assert found["probabilities"].keys() == {HOSTILE[name] for name in CLASSES}


def test_a_refusal_names_column_and_value_as_they_are(client: httpx.Client) -> None:
    sent = {name: ROW[name] for name in example(client)} | {HOSTILE["second"]: HOSTILE[TEXT]}

    [found] = read(client.post("/v1/predict", json={"rows": [sent]}), 422)["problems"]

    assert (found["column"], found["value"]) == (HOSTILE["second"], HOSTILE[TEXT])


@pytest.mark.parametrize("path", ["/v1/model", "/openapi.json", "/health/ready", "/health/live"])
def test_whatever_is_read_is_json(client: httpx.Client, path: str) -> None:
    read(client.get(path), 200)


def test_a_path_of_markup_is_refused_as_json(client: httpx.Client) -> None:
    read(client.get("/<script>alert(1)</script>"), 404)


def test_the_description_holds_names_and_values_as_they_are(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()

    assert HOSTILE[TARGET] in document["info"]["title"]
    rows = document["components"]["schemas"]["PredictRequest"]["properties"]["rows"]
    row = rows["items"]["properties"]
    assert {HOSTILE[name] for name in COLUMNS[:4]} <= row.keys()
    assert {HOSTILE[name] for name in VALUES[:3]} <= {*row[HOSTILE["second"]]["enum"]}


def test_metrics_name_the_classes_as_they_are(client: httpx.Client) -> None:
    reply = client.get("/metrics")

    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["x-content-type-options"] == "nosniff"
    families = text_string_to_metric_families(reply.text)
    labels = {value for f in families for sample in f.samples for value in sample.labels.values()}
    assert {HOSTILE[name] for name in CLASSES} <= labels


def example(client: httpx.Client) -> dict[str, Any]:
    """The row that the description shows."""
    operation = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]
    media = operation["requestBody"]["content"]["application/json"]
    found: dict[str, Any] = media["examples"]["example"]["value"]["rows"][0]
    return found
