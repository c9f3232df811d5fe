"""What every path answers, and that whatever is sent never makes it fail."""

import asyncio
import json
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from app import routes
from engine.contract import schema as contract
from engine.serving.http import endpoints

from .http_server import body, in_thread, wait_for
from .made_up import requests

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server for the champion of each contract, and its log."""
    logs = tmp_path_factory.mktemp("logs")
    with in_thread(trained / "store", prediction_log=str(logs), body_bytes=50_000) as (client, app):
        yield client, app, logs


@pytest.fixture(scope="module")
def client(server: Any) -> httpx.Client:
    found: httpx.Client = server[0]
    return found


def post(client: httpx.Client, content: Any, path: str = "/v1/predict") -> httpx.Response:
    return client.post(path, content=content, headers=JSON)


def completed(live: Any, content: bytes) -> Any:
    """The rows of a body as the model takes them."""
    rows = live.decode(content)
    return asyncio.run(live.complete(rows)).items if live.looks_up else rows


def problem(reply: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a refusal."""
    found: dict[str, Any] = reply.json()
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert (found["status"], found["type"]) == (status, "about:blank")
    assert found["detail"]
    return found


@pytest.mark.parametrize("count", [1, 30])
def test_rows_are_answered_as_the_model_scores_them(server: Any, count: int) -> None:
    client, app, _ = server
    model = app.model.now.predictor
    content = body(requests(model.contract, count))

    reply = post(client, content)

    assert reply.status_code == 200
    answer = reply.json()
    expected = model.answers(model.score(completed(app.model.now, content)))
    found = answer["predictions"]
    assert (answer["model_version"], answer["run_id"]) == (1, app.model.now.run_id)
    assert len({prediction["id"] for prediction in found}) == count
    for prediction, wanted in zip(found, expected, strict=True):
        assert prediction["fallback"] is False
        assert prediction.get("label") == wanted.get("label")
        for label, share in wanted.get("probabilities", {}).items():
            assert prediction["probabilities"][label] == pytest.approx(share, abs=1e-5)
        if "value" in wanted:
            assert prediction["value"] == pytest.approx(wanted["value"], rel=1e-5)


def test_predictions_and_outcomes_reach_the_log_under_the_same_id(server: Any) -> None:
    client, app, logs = server
    contract = app.model.now.predictor.contract
    [row] = requests(contract)
    number = post(client, body([row])).json()["predictions"][0]["id"]
    outcome = contract.classes[0] if contract.classes else 1.5

    reply = post(
        client,
        json.dumps({"outcomes": [{"id": number, "outcome": outcome, "value": 9.5}]}),
        "/v1/outcomes",
    )

    def records() -> list[dict[str, Any]]:
        texts = [file.read_text().splitlines(keepends=True) for file in logs.glob("*.jsonl")]
        lines = [line for text in texts for line in text if line.endswith("\n")]  # one may be half
        return [found for found in map(json.loads, lines) if found["id"] == number]

    assert (reply.status_code, reply.json()) == (202, {"accepted": 1})
    wait_for(lambda: len(records()) == 2)
    told, became = sorted(records(), key=lambda record: "outcome" in record)
    usual = {"id", "at", "version", "run_id", "fallback", "row", "answer"}
    assert set(told) == usual | ({"features"} if contract.tables else set())
    assert set(told["row"]) == set(contract.features) - contract.personal
    assert (became["outcome"], became["value"]) == (outcome, 9.5)


def test_a_personal_column_stays_out_of_the_log(trained: Path, tmp_path: Path) -> None:
    with in_thread(trained / "store", prediction_log=str(tmp_path)) as (client, app):
        bundle = app.model.now.predictor.bundle
        name, *others = bundle.contract.features
        column = msgspec.structs.replace(bundle.contract.columns[name], personal=True)
        columns = {**bundle.contract.columns, name: column}
        changed = msgspec.structs.replace(bundle.contract, columns=columns)
        app.model.now = app.model.models.open(1, msgspec.structs.replace(bundle, contract=changed))
        post(client, body(requests(changed)))

    [file] = tmp_path.glob("predictions-*")
    assert set(json.loads(file.read_text())["row"]) == set(others)


def test_every_fault_of_a_row_is_named(server: Any) -> None:
    client, app, _ = server
    rows = requests(app.model.now.predictor.contract, 2)
    for name in rows[0]:
        content = body([rows[0], {**rows[1], name: ["not", "a", "value"]}])

        [found] = problem(post(client, content), 422)["problems"]

        assert (found["row"], found["column"], found["value"]) == (1, name, "a list of 3")
        assert found["rule"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b'{"rows": [', 400),
        (b'\xff{"rows": []}', 400),
        (b'{"rows": [], "rows": []}', 400),
        (b'{"rows": ' + b"[" * 40_000, 400),
        (b'{"rows": []}', 422),
        (b'{"rows": [{}]}', 422),
        (b'{"rows": [NaN]}', 422),
        (b'{"rows": [{"\\ud800": 1}]}', 422),
        (b'{"rows": {}}', 422),
        (b'{"rows": [' + b"1," * 1500 + b"1]}", 422),
        (b'{"rows": "' + b"x" * 60_000 + b'"}', 413),
        (b"x" * 5_000_000, 413),
    ],
    ids=lambda value: str(value[:20]) if isinstance(value, bytes) else str(value),
)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/outcomes"])
def test_bad_bodies_are_refused(
    client: httpx.Client, path: str, content: bytes, status: int
) -> None:
    content = content.replace(b"rows", b"outcomes") if path == "/v1/outcomes" else content

    problem(post(client, content, path), status)


def test_a_body_without_a_length_is_cut_off_too(client: httpx.Client) -> None:
    problem(post(client, (b"x" * 10_000 for _ in range(8))), 413)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {**JSON, "Content-Encoding": "gzip"},
    ],
)
def test_other_content_types_are_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    problem(client.post("/v1/predict", content=b"{}", headers=headers), 415)


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/predict/", "/docs/", "/app", "/%ff", "/v1/predict%00"]
)
def test_unknown_paths_are_not_found(client: httpx.Client, path: str) -> None:
    problem(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/predict", "POST"),
        ("PUT", "/v1/outcomes", "POST"),
        ("POST", "/v1/model", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("OPTIONS", "/health/live", "GET, HEAD"),
    ],
)
def test_other_methods_are_told_the_right_one(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    reply = client.request(method, path)

    problem(reply, 405)
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    "outcome",
    [
        {"id": "1"},
        {"outcome": 1},
        {"id": "", "outcome": None},
        {"id": "x" * 201, "outcome": None},
        {"id": "1", "outcome": "no such class"},
        {"id": "1", "outcome": True},
        {"id": "1", "outcome": None},
    ],
)
def test_outcomes_the_contract_does_not_know_are_refused(
    client: httpx.Client, outcome: Any
) -> None:
    found = problem(post(client, json.dumps({"outcomes": [outcome]}), "/v1/outcomes"), 422)

    assert {p["column"] for p in found["problems"]} <= {"id", "outcome"}


def test_head_answers_as_get_without_a_body(client: httpx.Client) -> None:
    for path in ("/health/live", "/health/ready", "/v1/model", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == client.head(path).status_code == 200
        assert not client.head(path).content


def test_the_model_says_what_it_is(server: Any) -> None:
    client, app, _ = server
    contract = app.model.now.predictor.contract

    about = client.get("/v1/model").json()

    assert (about["version"], about["task"]) == (1, contract.dataset.task)
    assert about["features"] == list(contract.features)


def test_a_fault_of_the_program_gives_a_number_and_logs_no_row(
    trained: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_thread(trained / "store") as (client, app):
        model = app.model.now
        monkeypatch.setattr(model, "answers", lambda _: {}["a value of the row"])

        reply = post(client, body(requests(model.contract)))

    number = problem(reply, 500)["detail"].split()[2].rstrip(";")
    assert number in caplog.text
    assert "KeyError at" in caplog.text
    assert "a value of the row" not in caplog.text + reply.text


def test_the_key_guards_predictions_but_not_health(trained: Path) -> None:
    with in_thread(trained / "store", api_key="sésame") as (client, app):
        content = body(requests(app.model.now.predictor.contract))
        refused = [
            httpx.post(
                client.base_url.join("/v1/predict"), content=content, headers={**JSON, **key}
            )
            for key in ({}, {"X-API-Key": "sesame"}, {"X-API-Key": ""})
        ]
        open_paths = [
            httpx.get(client.base_url.join(path))
            for path in ("/health/live", "/health/ready", "/metrics")
        ]
        taken = client.post(
            "/v1/predict", content=content, headers={**JSON, "X-API-Key": "sésame".encode()}
        )

    for reply in refused:
        problem(reply, 401)
        assert "www-authenticate" in reply.headers
    assert [reply.status_code for reply in open_paths] == [200, 200, 200]
    assert taken.status_code == 200


def test_a_model_that_hangs_for_good_calls_for_a_new_process(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(endpoints, "HANGS_SECONDS", 0.2)
    with in_thread(trained / "store", deadline_ms=50) as (client, app):
        model = app.model.now.predictor
        monkeypatch.setattr(model, "score", lambda _: release.wait(20))
        before = client.get("/health/live").status_code
        post(client, body(requests(model.contract)))
        wait_for(lambda: client.get("/health/live").status_code == 503)
        release.set()
        wait_for(lambda: client.get("/health/live").status_code == 200)

    assert before == 200


@pytest.mark.parametrize("answer", ["baseline", "refuse"])
@pytest.mark.parametrize("fault", ["raises", "hangs", "gives NaN"])
def test_a_model_that_fails_is_replaced_by_what_the_contract_declares(
    trained: Path, monkeypatch: pytest.MonkeyPatch, fault: str, answer: str
) -> None:
    release = threading.Event()

    def fail(rows: Any) -> Any:
        if fault == "raises":
            raise RuntimeError("no")
        if fault == "hangs":
            release.wait(20)
        return model.predictor.fallback(len(rows)) * math.nan

    with in_thread(trained / "store", deadline_ms=50) as (client, app):
        model = app.model.now
        fallback = contract.Fallback(answer=answer)
        changed = msgspec.structs.replace(model.contract, fallback=fallback)
        monkeypatch.setattr(model.predictor, "score", fail)
        monkeypatch.setattr(model, "contract", changed)
        reply = post(client, body(requests(changed, 3)))
        alive = client.get("/health/live")
        counted = client.get("/metrics").text
        release.set()

    assert alive.status_code == 200
    if answer == "refuse":
        problem(reply, 503)
        assert reply.headers["retry-after"] == "1"
    else:
        expected = model.answers(model.fallback(3))
        found = reply.json()["predictions"]
        assert all(prediction["fallback"] for prediction in found)
        assert [p.get("label") for p in found] == [e.get("label") for e in expected]
        assert 'predict_rows_total{answer="fallback",project="model"} 3.0' in counted


def test_a_model_that_becomes_slow_while_it_serves_meets_its_deadline(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_thread(trained / "store", deadline_ms=100) as (client, app):
        model = app.model.now.predictor
        score, content = model.score, body(requests(model.contract))
        counted = 'predict_rows_on_loop_total{project="model"}'
        wait_for(lambda: post(client, content) and f"{counted} 0.0" not in scrape(client))

        def slow(rows: Any) -> Any:
            time.sleep(0.4)
            return score(rows)

        monkeypatch.setattr(model, "score", slow)
        kept = post(client, content)  # the call that shows it
        before = time.monotonic()
        late = post(client, content)
        alive = client.get("/health/live")
        waited = time.monotonic() - before
        counts = scrape(client)
        monkeypatch.setattr(model, "score", score)
        wait_for(lambda: not any(fell_back(post(client, content))))

    assert not any(fell_back(kept))
    assert all(fell_back(late))
    assert (alive.status_code, waited < 0.4) == (200, True)
    assert 'model_slow_calls_total{project="model"} 1.0' in counts
    assert 'model_row_seconds{project="model"} +Inf' in counts


def scrape(client: httpx.Client) -> str:
    return client.get("/metrics").text


def fell_back(reply: httpx.Response) -> list[bool]:
    """Of each row, whether the fallback answered it."""
    return [prediction["fallback"] for prediction in reply.json()["predictions"]]


def test_ids_are_never_given_twice() -> None:
    ids = endpoints.Ids()
    given = [number for count in (1, 255, 1, 1000, 3) for number in ids(count)]

    assert {len(number) for number in given} == {32}
    assert len({number[12:] for number in given}) == len(given) == 1260
    assert sorted(given, key=lambda number: number[:12]) == given


async def greeting(scope: Any, receive: Any, send: Any) -> None:
    """An application of the owner's."""
    del receive
    head = {"type": "http.response.start", "status": 200, "headers": []}
    await send(head)
    await send({"type": "http.response.body", "body": f"hello {scope['path']}".encode()})


def test_paths_of_ones_own_are_answered_beside_those_of_the_engine(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "application", greeting)
    with in_thread(trained / "store") as (client, app):
        own, ready = client.get("/greeting"), client.get("/health/ready")
        content = body(requests(app.model.now.predictor.contract))
        predicted = post(client, content)

    assert (own.status_code, own.text) == (200, "hello /greeting")
    assert ready.json()["status"] == "ready"
    assert predicted.status_code == 200
