"""A request names an entity; the server adds what is known of it now, or says that it cannot."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.commands.registry import promote
from engine.contract.read import load_contract
from engine.core.settings import Settings
from engine.data.read import feature_values, read_file, typed_rows
from engine.features import tables as feature_tables
from engine.features.tables import materialize
from engine.training import train

from .feature_project import CONTRACT, NAMES
from .http_server import in_thread, wait_for
from .made_up import full_rows, inside, project

PATH = "/v1/predict"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with a champion that needs looked-up features; the server's working directory."""
    place = tmp_path_factory.mktemp("lookup")
    (place / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    with inside(project(place / "project", place / "contract.toml", 300)) as folder:
        train.train(Settings())
        promote(Settings())
        yield folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Any]:
    """A server with features to look up, and its log."""
    found = load_contract()
    materialize(found, Settings())
    logs = str(folder / "logs")
    with in_thread(folder / "store", prediction_log=logs, lookup_ms=5000) as (client, app):
        yield client, app, found


def row_of(person: str) -> dict[str, Any]:
    return {"person": person, "plan": "k"}


def test_the_request_holds_the_entity_and_the_answer_how_it_was_found(server: Any) -> None:
    client, _, _ = server
    document = client.get("/openapi.json").json()["components"]["schemas"]

    reply = client.post(PATH, json={"rows": [row_of("e0"), row_of("nobody")]})

    asked = document["PredictRequest"]["properties"]["rows"]["items"]
    told = document["PredictResponse"]["properties"]["predictions"]["items"]
    assert set(asked["properties"]) == set(asked["required"]) == {"person", "plan"}
    assert {"features"} <= set(told["required"])
    assert reply.status_code == 200, reply.text
    states = [prediction["features"] for prediction in reply.json()["predictions"]]
    assert states == [{"people": "fresh"}, {"people": "missing"}]
    assert {p["fallback"] for p in reply.json()["predictions"]} == {False}
    assert (
        'feature_lookups_total{project="model",state="missing",table="people"}'
        in client.get("/metrics").text
    )


def test_a_feature_that_is_looked_up_may_not_be_sent(server: Any) -> None:
    client, _, _ = server

    reply = client.post(PATH, json={"rows": [{**row_of("e0"), "visits": 3}]})

    assert reply.status_code == 422
    assert reply.json()["problems"][0]["column"] == "visits"


def test_a_live_request_has_the_features_that_training_would_have(server: Any) -> None:
    """No skew between training and serving: what the log holds is what `data` makes of the row."""
    client, app, found = server
    people = [f"e{number}" for number in range(150)] + ["nobody"]

    reply = client.post(PATH, json={"rows": [row_of(person) for person in people]})

    ids = [prediction["id"] for prediction in reply.json()["predictions"]]
    wait_for(lambda: set(ids) <= logged(app).keys())
    frame = typed_rows(read_file("data/rows.csv"), found, "rows").iloc[[0] * len(people)]
    frame = frame.assign(person=people, plan="k").reset_index(drop=True)
    offline = feature_values(feature_tables.complete(frame, found, datetime.now(UTC)), found)
    encode = app.model.now.predictor.encode
    numbers, categories = encode.columns(offline)
    live = [logged(app)[number]["row"] for number in ids]
    seen = [[_value(row[name]) for name in encode.order] for row in live]
    again = encode.rows(seen)
    assert str(again[0].tolist()) == str(numbers.tolist())  # as text, NaN equals NaN
    assert again[1].tolist() == categories.tolist()
    assert sum(row["visits"] is not None for row in live) > 100


def logged(app: Any) -> dict[str, dict[str, Any]]:
    """Everything in the server's log, by id."""
    lines = (line for file in Path(app.log.to.name).glob("pred*") for line in file.open())
    return {record["id"]: record for record in map(json.loads, lines)}


def _value(value: Any) -> Any:
    is_time = isinstance(value, str) and value[:2] == "20"
    return datetime.fromisoformat(value) if is_time else value


def test_the_log_says_how_each_table_was_found(server: Any) -> None:
    client, app, _ = server
    [told] = client.post(PATH, json={"rows": [row_of("nobody")]}).json()["predictions"]

    wait_for(lambda: told["id"] in logged(app))

    record = logged(app)[told["id"]]
    assert record["features"] == {"people": "missing"}
    assert {record["row"][name] for name in NAMES} == {None}


def test_a_running_server_sees_new_values(server: Any) -> None:
    client, app, found = server
    rows = full_rows(found, 1, 9)
    newest = {**rows[0], "person": "new", "changed": "2026-02-01T00:00:00Z"}
    line = ",".join(json.dumps(newest[name]).replace("null", "") for name in ("person", "changed"))
    with Path("data/people.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{line},50.5,1,true,,a\n")

    before = client.post(PATH, json={"rows": [row_of("new")]}).json()["predictions"][0]
    materialize(found, Settings())
    app.look_again()

    def state() -> Any:
        answer = client.post(PATH, json={"rows": [row_of("new")]}).json()
        return answer["predictions"][0]["features"]["people"]

    assert before["features"] == {"people": "missing"}
    wait_for(lambda: state() == "fresh", 20)


def test_a_store_that_fails_or_hangs_is_answered_by_the_fallback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    materialize(load_contract(), Settings())
    with in_thread(folder / "store", lookup_ms=50) as (client, app):
        for fault in (RuntimeError("no"), None):

            async def find(*_: Any, fault: Any = fault) -> Any:
                if fault:
                    raise fault
                await asyncio.sleep(20)

            monkeypatch.setattr(app.model.models._store, "find", find)
            [told] = client.post(PATH, json={"rows": [row_of("e0")]}).json()["predictions"]
            assert (told["fallback"], told["features"]) == (True, {"people": "failed"})


def test_values_that_break_the_contract_never_reach_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    materialize(load_contract(), Settings())
    with in_thread(folder / "store", lookup_ms=5000) as (client, app):
        right = app.model.models._store.find

        async def wrong(*arguments: Any) -> Any:
            [found] = await right(*arguments)
            return [found._replace(values={**found.values, "score": 101.0})]

        monkeypatch.setattr(app.model.models._store, "find", wrong)
        [told] = client.post(PATH, json={"rows": [row_of("e0")]}).json()["predictions"]
        assert (told["fallback"], told["features"]) == (True, {"people": "failed"})


@pytest.mark.parametrize("policy", ["missing", "refuse"])
def test_the_policy_of_the_contract_holds_at_the_server(tmp_path: Path, policy: str) -> None:
    text = CONTRACT.replace("max_age_days = 30", f'when_missing = "{policy}"')
    (tmp_path / "contract.toml").write_text(text, encoding="utf-8")
    with inside(project(tmp_path / "project", tmp_path / "contract.toml", 120)) as folder:
        stale = (datetime.now(UTC) - timedelta(days=40)).isoformat()
        with Path("data/people.csv").open("a", encoding="utf-8") as stream:
            stream.write(f"old,{stale},1,1,true,,a\n")
        text = Path("contract.toml").read_text(encoding="utf-8")
        text = text.replace("when_missing", "max_age_days = 30\nwhen_missing")
        Path("contract.toml").write_text(text, encoding="utf-8")
        train.train(Settings())
        promote(Settings())
        materialize(load_contract(), Settings())
        with in_thread(folder / "store", lookup_ms=5000) as (client, _):
            reply = client.post(PATH, json={"rows": [row_of("old"), row_of("nobody")]})

    if policy == "missing":
        states = [prediction["features"]["people"] for prediction in reply.json()["predictions"]]
        assert states == ["stale", "missing"]
    else:
        assert reply.status_code == 422
        assert [(p["row"], p["value"]) for p in reply.json()["problems"]] == [
            (0, "old"),
            (1, "nobody"),
        ]


def test_a_store_without_values_is_said_by_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with in_thread(folder / "store") as (client, app):
        monkeypatch.setattr(app.model.models._store, "refresh", lambda: "nothing is materialized")
        app.model.refresh()
        app.model.refresh()
        told = client.get("/health/ready").json()

    assert told["trouble"] == "nothing is materialized"
    assert caplog.text.count("nothing is materialized") == 1
