"""The paths of the Open Inference Protocol say what /v1/predict says, in the protocol's words."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http
from jsonschema import Draft202012Validator
from msgspec.structs import asdict, replace
from tritonclient.utils import InferenceServerException

from engine.serving.rows.open_inference import Tensor, inputs

from .conformance import logged
from .conftest import CONTRACTS
from .http_server import in_process, in_thread
from .made_up import requests
from .test_open_inference import as_arrays, as_lists

PUBLISHED = json.loads(Path(__file__).with_name("open_inference_rest.json").read_text("utf-8"))
NAME = "model"
INFER = f"/v2/models/{NAME}/infer"
BINARY = {"Content-Type": "application/octet-stream"}
LENGTH = "Inference-Header-Content-Length"

pytestmark = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)


@pytest.fixture(scope="module")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running server, as a client and as the application inside."""
    logs = str(tmp_path_factory.mktemp("logs"))
    with in_thread(trained / "store", prediction_log=logs, request_rows=100) as running:
        yield running


@pytest.fixture
def client(server: Any) -> httpx.Client:
    found: httpx.Client = server[0]
    return found


def as_json(tensors: list[Tensor], **more: Any) -> dict[str, Any]:
    given = [{**asdict(t), "shape": [*t.shape], "data": [*t.data]} for t in tensors]
    return {"inputs": given, **more}


def kept(name: str, content: Any) -> None:
    """A content has the form that the protocol publishes under a name."""
    reference = {"$ref": f"#/components/schemas/{name}", "components": PUBLISHED["components"]}
    assert [error.message for error in Draft202012Validator(reference).iter_errors(content)] == []


def numbers(contract: Any, prediction: dict[str, Any]) -> list[float]:
    shares = prediction["probabilities"].values() if contract.classes else [prediction["value"]]
    return [*shares]


def test_the_description_has_every_path_that_the_protocol_publishes(server: Any) -> None:
    client, app = server
    document = client.get("/openapi.json").json()
    version = str(app.model.now.version)
    published = {
        path.replace("${MODEL_NAME}", NAME).replace("${MODEL_VERSION}", version).rstrip("/"): [
            method for method in methods if method != "parameters"
        ]
        for path, methods in PUBLISHED["paths"].items()
    }

    assert {path: [*document["paths"][path]] for path in published} == published
    media = document["paths"][INFER]["post"]["requestBody"]["content"]["application/json"]
    reply = client.post(INFER, json=media["examples"]["example"]["value"])
    assert reply.status_code == 200, reply.text
    for path, methods in document["paths"].items():
        if path.startswith("/v2") and "get" in methods:
            content = methods["get"]["responses"]["200"]["content"]["application/json"]
            told = {**content["schema"], "components": document["components"]}
            assert [*Draft202012Validator(told).iter_errors(client.get(path).json())] == [], path


def test_every_operation_answers_as_described(server: Any) -> None:
    client, _ = server
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json"]
    options = ["--generation-deterministic", "--no-shrink", "--max-examples=5", "--no-color"]
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    options += [f"--checks={checks},response_schema_conformance", "--include-path-regex=^/v2"]

    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout[-5000:]
    assert "Tested: 9" in done.stdout


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_tritons_client_gets_the_numbers_of_predict(
    trained: Path, any_contract: Any, tmp_path: Path, binary: bool
) -> None:
    rows = requests(any_contract, 4)
    name = "probabilities" if any_contract.classes else "value"
    with in_process(trained, prediction_log=tmp_path / "logs") as (url, process):
        said = httpx.post(f"{url}/v1/predict", json={"rows": rows}).json()
        with tritonclient.http.InferenceServerClient(url.removeprefix("http://")) as triton:
            assert triton.is_server_live()
            assert triton.is_server_ready()
            assert triton.is_model_ready(NAME)
            assert not triton.is_model_ready(NAME, "9")
            assert not triton.is_model_ready("another")
            known = [each["name"] for each in triton.get_model_metadata(NAME)["inputs"]]
            assert known == [*any_contract.sent]
            given = []
            for tensor in as_arrays(any_contract, rows):
                each = tritonclient.http.InferInput(tensor.name, [4, 1], tensor.datatype)
                given.append(each.set_data_from_numpy(tensor.data, binary_data=binary))
            wanted = [tritonclient.http.InferRequestedOutput(n, binary) for n in (name, "id")]
            everything = triton.infer(NAME, given, request_id="its own")
            chosen = triton.infer(NAME, given, model_version="1", outputs=wanted)
            given[0].set_shape([3, 1])
            with pytest.raises(InferenceServerException, match="as many elements as the shape"):
                triton.infer(NAME, given)
        process.terminate()
        assert process.wait(30) == 0

    own = [numbers(any_contract, prediction) for prediction in said["predictions"]]
    assert everything.as_numpy(name).tolist() == chosen.as_numpy(name).tolist() == own
    assert everything.get_response()["id"] == "its own"
    assert everything.get_response()["model_version"] == str(said["model_version"])
    assert everything.get_response()["parameters"] == {"run_id": said["run_id"]}
    assert not everything.as_numpy("fallback").any()
    assert {each["name"] for each in chosen.get_response()["outputs"]} == {name, "id"}
    ids = [prediction["id"] for prediction in said["predictions"]]
    for result in (everything, chosen):
        found = result.as_numpy("id").ravel().tolist()
        ids += [each.decode() if isinstance(each, bytes) else each for each in found]
    assert len(set(ids)) == 12
    assert sorted(logged(tmp_path / "logs")) == sorted(ids)


def test_each_path_keeps_what_the_protocol_publishes(client: Any, any_contract: Any) -> None:
    body = as_json(as_lists(any_contract, requests(any_contract, 2)), id="42")
    asked = 0
    for published, methods in PUBLISHED["paths"].items():
        path = published.replace("${MODEL_NAME}", NAME).replace("${MODEL_VERSION}", "1")
        for short in {path, path.replace("/versions/1", "")}:
            for method in ("get", "post"):
                if method not in methods:
                    continue
                reply = client.request(method, short, json=body if method == "post" else None)
                assert reply.status_code == 200, reply.text
                media = methods[method]["responses"]["200"].get("content")
                if media:
                    schema = media["application/json"]["schema"]["$ref"].rpartition("/")[2]
                    kept(schema, reply.json())
                asked += 1
    assert asked == 9
    answer = client.post(INFER, json=body).json()
    assert answer["id"] == "42"
    about = client.get(f"/v2/models/{NAME}").json()
    assert [each["name"] for each in about["outputs"]] == [e["name"] for e in answer["outputs"]]
    for each, described in zip(answer["outputs"], about["outputs"], strict=True):
        assert (each["datatype"], each["shape"][1]) == (
            described["datatype"],
            described["shape"][1],
        )
        assert len(each["data"]) == np.prod(each["shape"])


def test_a_wrong_value_is_refused_in_the_words_of_predict(client: Any, any_contract: Any) -> None:
    [row] = requests(any_contract, 1)
    tensors = as_lists(any_contract, [row])
    for name, column in any_contract.sent.items():
        wrong: Any = {} if column.nullable else None
        body = as_json([replace(t, data=[wrong]) if t.name == name else t for t in tensors])

        own = client.post("/v1/predict", json={"rows": [{**row, name: wrong}]})
        reply = client.post(INFER, json=body)

        assert (own.status_code, reply.status_code) == (422, 400)
        assert reply.headers["content-type"] == "application/json"
        assert reply.json()["error"] == own.json()["detail"]
        assert reply.json()["problems"] == own.json()["problems"]
        kept("inference_error_response", reply.json())


def test_nan_in_json_is_a_missing_value(client: Any, any_contract: Any) -> None:
    nullable = [
        each["name"]
        for each in inputs(any_contract)
        if each["datatype"] == "FP64" and any_contract.sent[each["name"]].nullable
    ]
    [row] = requests(any_contract, 1)
    tensors = as_lists(any_contract, [{**row, **dict.fromkeys(nullable)}])
    as_nan = [replace(t, data=[float("nan")]) if t.name in nullable else t for t in tensors]
    assert nullable

    null = client.post(INFER, json=as_json(tensors))
    nan = client.post(
        INFER,
        content=json.dumps(as_json(as_nan)).encode(),
        headers={"Content-Type": "application/json"},
    )

    assert null.status_code == nan.status_code == 200, nan.text
    assert null.json()["outputs"][2] == nan.json()["outputs"][2]


def test_what_is_no_request_is_refused_and_never_an_internal_error(
    client: Any, any_contract: Any
) -> None:
    tensors = as_lists(any_contract, requests(any_contract, 1))
    tensors.sort(key=lambda tensor: tensor.datatype != "BYTES")  # a text comes first
    good, first = as_json(tensors), tensors[0].name
    others = good["inputs"][1:]

    def raw(given: dict[str, Any], *, length: Any = None, more: bytes = b"") -> tuple[Any, Any]:
        content = json.dumps({"inputs": [given, *others]}).encode()
        size = {LENGTH: str(len(content) if length is None else length)}
        return content + more, {**BINARY, **size}

    head = {"name": first, "shape": [1], "datatype": "BYTES"}
    cases = [
        (b"{", {}, "not valid JSON"),
        (b"\xff", {}, "not valid JSON"),
        (b"[" * 100_000, {}, "nested too deeply"),
        (b'{"inputs": 1}', {}, "no request of the Open Inference Protocol"),
        (b'{"inputs": []}', {}, "is missing"),
        (b'{"inputs": [{}]}', {}, "no request of the Open Inference Protocol"),
        (json.dumps({**good, "id": "\ud800"}).encode(), {}, "no request"),
        (json.dumps({**good, "id": 7}).encode(), {}, "no request"),
        (json.dumps({**good, "outputs": [{"name": "\ud800"}]}).encode(), {}, "no request"),
        (
            json.dumps({**good, "outputs": [{"name": "nothing"}]}).encode(),
            {},
            "no output 'nothing'",
        ),
        (json.dumps({**good, "parameters": {"explain": 1}}).encode(), {}, "true or false"),
        (json.dumps(as_json([*tensors, tensors[0]])).encode(), {}, "is given 2 times"),
        (
            json.dumps(as_json([replace(tensors[0], name="\ud800"), *tensors[1:]])).encode(),
            {},
            "is not a known column",
        ),
        (json.dumps(as_json([replace(t, shape=[10**30]) for t in tensors])).encode(), {}, "shape"),
        (json.dumps(as_json([replace(t, shape=[-1]) for t in tensors])).encode(), {}, "shape"),
        (b"", {LENGTH: "x"}, "the header says"),
        (*raw(head), "data or binary_data_size"),
        (*raw({**head, "parameters": {"binary_data_size": 3}}, more=b"abc"), "ends within one"),
        (
            *raw({**head, "parameters": {"binary_data_size": 9}}, more=b"\xff\xff\xff\x7fabcde"),
            "ends within one",
        ),
        (
            *raw({**head, "parameters": {"binary_data_size": 5}}, more=b"\x01\0\0\0\xff"),
            "a text in UTF-8",
        ),
        (
            *raw({**head, "parameters": {"binary_data_size": 99}}, more=b"\x01\0\0\0a"),
            "says 99 bytes, where 5 are left",
        ),
        (*raw({**head, "parameters": {"binary_data_size": -1}}, more=b"\x01\0\0\0a"), "says -1"),
        (*raw({**head, "parameters": {"binary_data_size": True}}, more=b"a"), "says True"),
        (
            *raw({**head, "parameters": {"binary_data_size": 5}}, more=b"\x01\0\0\0a beyond"),
            "7 bytes at the end",
        ),
        (
            *raw(
                {**head, "datatype": "FP64", "parameters": {"binary_data_size": 5}}, more=b"12345"
            ),
            "whole elements",
        ),
        (
            *raw({**head, "datatype": "FP8", "parameters": {"binary_data_size": 1}}, more=b"1"),
            "whole elements",
        ),
        (*raw({**head, "data": ["x"]}, length=10**8), "the header says"),
        (*raw({**head, "data": ["x"]}, length=-5), "the header says"),
    ]
    for content, headers, said in cases:
        sent = {"Content-Type": "application/json", **headers}
        reply = client.post(INFER, content=content, headers=sent)

        assert reply.status_code == 400, (content[:200], reply.text)
        kept("inference_error_response", reply.json())
        assert said in reply.json()["error"]
    assert client.post(INFER, json=good).status_code == 200


def test_too_many_rows_are_refused_as_the_settings_say(client: Any, any_contract: Any) -> None:
    tensors = as_lists(any_contract, requests(any_contract, 1) * 101)

    reply = client.post(INFER, json=as_json(tensors))

    assert reply.status_code == 400
    assert reply.json()["error"] == "a request holds 1 to 100 rows, this one 101"


def test_what_is_not_there_is_said_in_the_words_of_the_protocol(
    client: Any, any_contract: Any
) -> None:
    good = as_json(as_lists(any_contract, requests(any_contract, 1)))
    for path in (f"/v2/models/{NAME}/versions/9/infer", "/v2/models/other/infer", "/v2/nothing"):
        reply = client.post(path, json=good)
        assert reply.status_code == 404
        kept("inference_error_response", reply.json())
    assert client.get(INFER).status_code == 405
    said = client.get("/metrics").text
    assert f'path="/v2/models/{NAME}/versions/{{version}}/infer"' in said
    assert "versions/9" not in said


def test_a_page_of_another_site_cannot_send_without_a_type(client: Any, any_contract: Any) -> None:
    good = json.dumps(as_json(as_lists(any_contract, requests(any_contract, 1)))).encode()

    assert client.post(INFER, content=good).status_code == 200  # as Triton's client does
    assert client.post(INFER, content=good, headers={"Origin": "null"}).status_code == 415
    plain = {"Content-Type": "text/plain"}
    assert client.post(INFER, content=good, headers=plain).status_code == 415


def test_the_key_is_asked_for_where_it_guards(trained: Path, any_contract: Any) -> None:
    good = as_json(as_lists(any_contract, requests(any_contract, 1)))
    with in_thread(trained / "store", api_key="secret") as (client, _):
        for method, path in (("POST", INFER), ("GET", f"/v2/models/{NAME}")):
            refused = client.request(method, path, json=good, headers={"X-API-Key": "wrong"})
            assert refused.status_code == 401
            kept("inference_error_response", refused.json())
            assert client.request(method, path, json=good).status_code == 200
        without = {"X-API-Key": ""}
        for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
            assert client.get(path, headers=without).status_code == 200


def test_the_fallback_answers_and_is_marked(
    server: Any, any_contract: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, app = server
    good = as_json(as_lists(any_contract, requests(any_contract, 1)))
    wanted = [{"name": "fallback"}, {"name": "explanation"}]

    def fails(_: Any) -> Any:
        raise RuntimeError("broken")

    explained = {**good, "outputs": wanted, "parameters": {"explain": True}}
    as_usual = client.post(INFER, json=explained).json()["outputs"]
    monkeypatch.setattr(app.model.now, "score", fails)
    monkeypatch.setattr(app.model.now, "explain", fails)
    reply = client.post(INFER, json=explained).json()["outputs"]

    assert [each["data"] for each in as_usual[:1]] == [[False]]
    assert json.loads(as_usual[1]["data"][0])["changes"] is not None
    assert reply == [{"name": "fallback", "datatype": "BOOL", "shape": [1, 1], "data": [True]}]


def test_nobody_is_lost_when_the_server_is_told_to_leave(trained: Path, any_contract: Any) -> None:
    good = as_json(as_lists(any_contract, requests(any_contract, 1)))
    statuses: list[int] = []
    with in_process(trained) as (url, process):

        def ask() -> None:
            with httpx.Client(base_url=url, timeout=20) as client:
                try:
                    while True:
                        statuses.append(client.post(INFER, json=good).status_code)
                except httpx.ConnectError:
                    return

        callers = [threading.Thread(target=ask) for _ in range(4)]
        for caller in callers:
            caller.start()
        while len(statuses) < 20:
            assert process.poll() is None
        process.terminate()
        assert process.wait(30) == 0
        for caller in callers:
            caller.join(30)

    assert set(statuses) == {200}
