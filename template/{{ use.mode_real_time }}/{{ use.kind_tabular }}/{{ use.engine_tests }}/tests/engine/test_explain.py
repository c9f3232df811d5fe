"""With explain=true an answer says what moved it; the cost has a limit, and is paid only then."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from engine.serving.client import Client, RejectedError

from .http_server import body, in_thread
from .made_up import requests

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(trained: Path) -> Iterator[Any]:
    """A server that explains five rows at a time, for the champion of each contract."""
    with in_thread(trained / "store", prediction_log="", explain_rows=5) as (client, app):
        yield client, app


def post(client: httpx.Client, rows: list[dict[str, Any]], query: str = "explain=true") -> Any:
    return client.post(f"/v1/predict?{query}", content=body(rows), headers=JSON)


def test_each_answer_says_what_moved_it(server: Any) -> None:
    client, app = server
    model = app.model.now
    rows = requests(model.contract, 5)

    plain, told = post(client, rows, "").json(), post(client, rows).json()

    for row, one, other in zip(rows, plain["predictions"], told["predictions"], strict=True):
        reasons = other.pop("explanation")
        assert {**one, "id": ""} == {**other, "id": ""}
        changes = reasons["changes"]
        sizes = [abs(entry["change"]) for entry in changes]
        assert sizes == sorted(sizes, reverse=True)
        for entry in changes:
            assert entry["feature"] not in model.contract.personal
            assert entry["typical"] == model.manifest.typical[entry["feature"]]
            if entry["feature"] in row:
                assert entry["value"] == row[entry["feature"]] or "T" in str(entry["value"])
        if model.contract.positive:
            assert reasons["of"] == model.contract.positive
        elif model.contract.classes:
            assert reasons["of"] == other["label"]


def test_a_change_is_the_difference_to_the_answer_with_the_typical_value(server: Any) -> None:
    client, app = server
    contract = app.model.now.contract
    rows = requests(contract, 3)

    told = post(client, rows).json()["predictions"]

    for row, answer in zip(rows, told, strict=True):
        entry = next((e for e in answer["explanation"]["changes"] if e["feature"] in row), None)
        if entry is None:
            continue
        usual = {**row, entry["feature"]: entry["typical"]}
        [other] = post(client, [usual], "").json()["predictions"]
        of = answer["explanation"].get("of")
        own, without = ((a["probabilities"][of] if of else a["value"]) for a in (answer, other))
        assert entry["change"] == pytest.approx(own - without, abs=1e-4)


@pytest.mark.parametrize("query", ["", "explain=false", "other=true"])
def test_nothing_is_explained_unasked(
    server: Any, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, app = server
    monkeypatch.setattr(app.model.now, "explain", None)

    reply = post(client, requests(app.model.now.contract, 2), query)

    assert reply.status_code == 200
    assert all("explanation" not in answer for answer in reply.json()["predictions"])


def test_more_rows_than_are_explained_are_refused_with_the_limit(server: Any) -> None:
    client, app = server

    reply = post(client, requests(app.model.now.contract, 6))

    assert reply.status_code == 422
    assert "holds 6; at most 5 with explain=true (explain_rows" in reply.json()["detail"]


@pytest.mark.parametrize("query", ["explain=yes", "explain=", "explain"])
def test_what_is_neither_true_nor_false_is_refused(server: Any, query: str) -> None:
    client, app = server

    reply = post(client, requests(app.model.now.contract, 1), query)

    assert reply.status_code == 422
    assert "explain=true or explain=false" in reply.json()["detail"]


def test_a_fallback_has_no_explanation_and_is_marked(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, app = server

    def fail(_: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(app.model.now, "explain", fail)

    reply = post(client, requests(app.model.now.contract, 2))

    if app.model.now.contract.fallback.answer == "refuse":
        assert reply.status_code == 503
    else:
        assert all(a["fallback"] and "explanation" not in a for a in reply.json()["predictions"])


def test_the_description_knows_the_parameter_and_the_answer(server: Any) -> None:
    client, app = server
    document = client.get("/openapi.json").json()
    told = post(client, requests(app.model.now.contract, 3)).json()

    [parameter] = document["paths"]["/v1/predict"]["post"]["parameters"]
    schema = document["components"]["schemas"]["PredictResponse"]

    assert (parameter["name"], parameter["in"]) == ("explain", "query")
    jsonschema.validate(told, schema)
    told["predictions"][0]["explanation"]["changes"] = [{"feature": "no such"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(told, schema)


def test_the_client_reads_what_moved_a_prediction(server: Any) -> None:
    http, app = server
    contract = app.model.now.contract
    with Client(str(http.base_url)) as client:
        told = client.predict(requests(contract, 2), explain=True)
        plain = client.predict(requests(contract, 2))
        with pytest.raises(RejectedError, match="at most 5"):
            client.predict(requests(contract, 6), explain=True)

    assert all(found.explanation is not None for found in told.predictions)
    assert all(found.explanation is None for found in plain.predictions)
    first = told.predictions[0].explanation
    assert first is not None
    assert all(isinstance(json.dumps(change.value), str) for change in first.changes)
