"""A real Triton over the champion: it says what /v1/predict says, by HTTP and by gRPC."""

import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import tomlkit
from tritonclient.utils import InferenceServerException

from engine.commands.registry import promote
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.settings import load_settings
from engine.training import train

from . import another_server, conformance
from .conftest import CONTRACTS
from .http_server import wait_for
from .made_up import inside, requests
from .tensor_client import free_ports
from .triton_server import NAME, VERB, environment, infer, kill, serving, tritons

BOTH = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)
OWN = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
REFUSED = re.compile("UNAVAILABLE|has no available versions")  # as Triton does when it leaves
WAYS = ("json", "binary", "grpc")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Triton's predictions are logged."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def port(trained: Path, logs: Path) -> Iterator[int]:
    """The port of a Triton over each contract in turn."""
    with serving(trained / "store", prediction_log=logs) as (port, _):
        yield port


@BOTH
@pytest.mark.parametrize("way", WAYS)
def test_it_answers_as_v1_predict_and_logs_every_id(
    trained: Path, any_contract: Contract, port: int, logs: Path, way: str
) -> None:
    ask = partial(infer, port, way, any_contract)
    another_server.says_what_predict_says(trained, any_contract, logs, ask)


@BOTH
@pytest.mark.parametrize("way", WAYS)
def test_a_broken_row_is_refused_in_the_words_of_the_contract(
    trained: Path, any_contract: Contract, port: int, way: str
) -> None:
    ask = partial(infer, port, way, any_contract)
    another_server.refuses_in_the_words_of_the_contract(trained, any_contract, ask)


@BOTH
@pytest.mark.usefixtures("trained")
def test_wrong_tensors_are_refused(any_contract: Contract, port: int) -> None:
    url = f"http://127.0.0.1:{port}/v2/models/{NAME}"
    inputs = httpx.get(url).json()["inputs"]
    first, rows = inputs[0], requests(any_contract)
    tensors = [{**each, "shape": [1, 1], "data": [_value(rows[0], each)]} for each in inputs]
    broken = {
        "missing": tensors[1:],
        "unknown": [*tensors, {**tensors[0], "name": "no such column"}],
        "shape": [{**tensors[0], "shape": [1, 2], "data": tensors[0]["data"] * 2}, *tensors[1:]],
        "datatype": [{**tensors[0], "datatype": "FP16", "data": [0]}, *tensors[1:]],
    }
    assert {each["name"] for each in inputs} == {*any_contract.sent}

    for what, given in broken.items():
        reply = httpx.post(f"{url}/infer", json={"inputs": given}, timeout=20)
        assert reply.status_code == 400, (what, reply.text)
        assert first["name"] in reply.json()["error"] or what == "unknown", reply.text


def _value(row: dict[str, Any], tensor: dict[str, Any]) -> Any:
    """A value of a row; Triton's JSON knows no null, and no boolean among numbers."""
    value = row[tensor["name"]]
    if tensor["datatype"] == "BYTES":
        return value or ""
    return value if tensor["datatype"] in ("BOOL", "INT64") else float(value or 0)


@BOTH
@pytest.mark.usefixtures("trained")
def test_reasons_come_with_a_parameter(any_contract: Contract, port: int) -> None:
    rows = requests(any_contract)

    with_reasons = infer(port, "grpc", any_contract, rows, parameters={"explain": True})
    reason = json.loads(with_reasons.as_numpy("explanation")[0][0])
    with pytest.raises(InferenceServerException, match="explain=perhaps"):
        infer(port, "grpc", any_contract, rows, parameters={"explain": "perhaps"})

    assert {"changes"} <= reason.keys()
    assert infer(port, "grpc", any_contract, rows).as_numpy("explanation") is None


@BOTH
@pytest.mark.usefixtures("trained")
def test_its_metrics_have_our_counters_by_their_names(any_contract: Contract, port: int) -> None:
    def counted() -> dict[str, float]:
        text = httpx.get(f"http://127.0.0.1:{port + 2}/metrics").text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    rows = 'predict_rows_total{answer="model"}'
    wait_for(lambda: rows in counted())
    time.sleep(1.5)  # what was asked before is handed over
    before = counted()
    infer(port, "grpc", any_contract, requests(any_contract, 5))
    wait_for(lambda: counted()[rows] == before[rows] + 5)
    infer(port, "grpc", any_contract, requests(any_contract, 2))
    wait_for(lambda: counted()[rows] > before[rows] + 5)
    after = counted()

    assert after[rows] == before[rows] + 7
    assert after["predict_latency_seconds_count"] == before["predict_latency_seconds_count"] + 2
    assert after["model_ready"] == 1
    assert any(name.startswith("nv_inference_request_success") for name in after)
    rules = Path(__file__).parents[2] / "deploy/prometheus/serving_alerts.yml"
    for name in ("http_requests_total", "predict_latency_seconds_bucket", "model_behind"):
        assert name in rules.read_text("utf-8")
        assert any(each.partition("{")[0] == name for each in after), name


@BOTH
@pytest.mark.usefixtures("trained")
def test_what_no_caller_needs_is_closed(port: int) -> None:
    url = f"http://127.0.0.1:{port}/v2"
    tried = [
        httpx.post(f"{url}/repository/index", json={}),
        httpx.post(f"{url}/repository/models/{NAME}/unload", json={}),
        httpx.get(f"{url}/systemsharedmemory/status"),
        httpx.post(f"{url}/logging", json={"log_verbose_level": 1}),
        httpx.get(f"{url}/trace/setting"),
    ]

    assert [reply.is_success for reply in tried] == [False] * 5
    assert httpx.get(f"{url}/health/ready").status_code == 200


@OWN
def test_a_key_is_asked_for(trained: Path, any_contract: Contract) -> None:
    rows = requests(any_contract)
    with serving(trained / "store", api_key="open sesame") as (port, _):
        for way in ("binary", "grpc"):
            with pytest.raises(InferenceServerException, match="send the key"):
                infer(port, way, any_contract, rows)
            header = {"x-api-key": "open sesame"}
            assert infer(port, way, any_contract, rows, headers=header).as_numpy("id") is not None


@OWN
def test_the_fallback_answers_when_the_model_is_late(trained: Path, any_contract: Contract) -> None:
    late = {"deadline_ms": 0.001, "loop_ms": 0}
    with serving(trained / "store", **late) as (port, _):
        result = infer(port, "grpc", any_contract, requests(any_contract, 2))

    assert result.as_numpy("fallback").tolist() == [[True], [True]]


@OWN
def test_it_follows_promotions_also_to_other_tensors(
    trained: Path, any_contract: Contract, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained, tmp_path / "project")
    rows = requests(any_contract)
    dropped = next(name for name, column in any_contract.sent.items() if column.type == "number")

    def version(rows: list[dict[str, Any]], contract: Contract) -> int:
        try:
            found = infer(port, "grpc", contract, rows).as_numpy("model_version")
        except InferenceServerException:
            return 0
        return int(found[0][0])

    with serving(folder / "store", reload_seconds=0.2) as (port, _), inside(folder):
        first = version(rows, any_contract)
        train.train(load_settings(env={}))
        promote(load_settings(env={}))
        wait_for(lambda: version(rows, any_contract) == 2, 30)
        document = tomlkit.parse((folder / "contract.toml").read_text("utf-8"))
        document["columns"].pop(dropped)  # type: ignore[union-attr]
        (folder / "contract.toml").write_text(tomlkit.dumps(document), "utf-8")
        train.train(load_settings(env={}))
        promote(load_settings(env={}))
        fewer = load_contract()
        wait_for(lambda: version(rows, fewer) == 3, 60)
        named = httpx.get(f"http://127.0.0.1:{port}/v2/models/{NAME}").json()["inputs"]

    assert first == 1
    assert dropped not in {each["name"] for each in named}


@OWN
def test_sigterm_loses_nothing_and_leaves_nothing(
    trained: Path, any_contract: Contract, tmp_path: Path
) -> None:
    answered: list[str] = []
    failed: list[str] = []
    rows = requests(any_contract)

    def ask(port: int) -> None:
        while not failed:
            try:
                found = infer(port, "grpc", any_contract, rows, client_timeout=20)
                answered.append(found.as_numpy("id")[0][0].decode())
            except InferenceServerException as error:
                failed.append(str(error))

    with serving(trained / "store", prediction_log=tmp_path / "logs") as (port, process):
        callers = [threading.Thread(target=ask, args=[port]) for _ in range(4)]
        for caller in callers:
            caller.start()
        wait_for(lambda: len(answered) > 50, 30)
        process.terminate()
        code = process.wait(40)
        for caller in callers:
            caller.join(30)

    assert code == 0
    assert [why for why in failed if not REFUSED.search(why)] == []
    assert {*answered} <= {*conformance.logged(tmp_path / "logs")}
    assert tritons(port) == []


@OWN
def test_triton_ends_when_what_looks_after_it_is_killed(trained: Path) -> None:
    with serving(trained / "store") as (port, process):
        assert len(tritons(port)) == 1
        kill(process)
        process.wait(10)

        wait_for(lambda: tritons(port) == [], 40)


@OWN
def test_what_cannot_be_served_is_said_in_one_line(trained: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        no_port = _fails(store=trained / "store", port=port)
    no_champion = _fails(store=tmp_path / "store", port=free_ports())

    assert f"port {port} on 127.0.0.1 cannot be used" in no_port
    assert "has no champion yet; make one with: python3 run.py up" in no_champion


def _fails(**options: Any) -> str:
    return another_server.last_words(VERB, environment(**options))
