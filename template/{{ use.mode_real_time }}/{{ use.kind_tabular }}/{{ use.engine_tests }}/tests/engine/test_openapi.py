"""The published description is exact: what it allows is taken, what it forbids is refused."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.contract import example_rows as examples
from engine.contract import types as column_types
from engine.contract.read import load_contract
from engine.serving import openapi
from engine.serving.model import PATHS
from engine.serving.rows.schema import body_schema

from .conftest import CONTRACTS
from .http_server import in_thread

KEY = "a key"


@pytest.fixture(scope="module")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server for the champion of each contract.

    It takes as many rows with reasons as without; that it may take fewer, no schema can say.
    """
    logs, most = str(tmp_path_factory.mktemp("logs")), {"request_rows": 20, "explain_rows": 20}
    with in_thread(trained / "store", api_key=KEY, prediction_log=logs, **most) as running:
        yield running


@pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
def test_every_operation_keeps_what_the_description_promises(server: Any) -> None:
    client, _ = server
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json"]
    options = ["--generation-deterministic", "--no-shrink", "--max-examples=5", "--no-color"]
    phases = "--phases=examples,coverage,fuzzing"
    options.append("--include-path-regex=^/(v1|health|openapi|metrics)")  # other protocols: theirs
    key = ["--header", f"X-API-Key: {KEY}"]
    tables = load_contract(CONTRACTS[0]).tables.values()
    if any(table.when_missing == "refuse" for table in tables):
        options.append("--exclude-checks=positive_data_acceptance")  # no schema lists the entities

    done = subprocess.run(
        [*command, *options, phases, *key], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stdout[-5000:]
    assert "Tested: 7" in done.stdout


def test_the_example_is_taken(server: Any) -> None:
    client, _ = server
    document = client.get("/openapi.json").json()

    for path in ("/v1/predict", "/v1/outcomes"):
        media = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        reply = client.post(path, json=media["examples"]["example"]["value"])
        assert reply.status_code in (200, 202), reply.text


def test_a_row_is_described_column_by_column(server: Any) -> None:
    _, app = server
    contract = app.model.now.predictor.contract
    schema = body_schema(app.model.now.decode, contract)

    row = schema["properties"]["rows"]["items"]
    assert row["additionalProperties"] is False
    assert set(row["required"]) == set(row["properties"]) == set(contract.sent)
    for name, column in contract.sent.items():
        kinds = row["properties"][name].get("anyOf", [row["properties"][name]])
        assert ({"type": "null"} in kinds) == column.nullable
        if column.type in ("number", "integer"):
            assert (kinds[0]["minimum"], kinds[0]["maximum"]) == column_types.bounds(column)
            assert kinds[0]["type"] == column.type
        if column.type == "category" and column.unknown == "refuse":
            assert kinds[0]["enum"] == list(column.values)


def test_the_key_is_part_of_the_description_only_where_it_is_asked_for(server: Any) -> None:
    _, app = server
    live = app.model.now

    document = openapi.document(live, PATHS, has_key=False)

    assert "security" not in str(document)
    assert "401" not in document["paths"]["/v1/predict"]["post"]["responses"]
    assert msgspec.json.encode(document)
    assert examples.rows(live.predictor.contract)
