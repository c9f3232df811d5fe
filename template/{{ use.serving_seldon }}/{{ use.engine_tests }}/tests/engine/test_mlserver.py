"""A real MLServer over the champion: it says what /v1/predict says, by HTTP and by gRPC."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tritonclient.utils import InferenceServerException

from engine.commands.registry import promote
from engine.contract.schema import Contract
from engine.core.settings import load_settings
from engine.serving.http.app import App
from engine.training import train

from . import another_server, conformance
from .asked import ask_app
from .conformance import JSON, Case, Reply
from .conftest import CONTRACTS
from .http_server import body, wait_for
from .made_up import inside, requests
from .mlserver_process import VERB, environment, infer, serving
from .tensor_client import ids

BOTH = pytest.mark.parametrize(
    "contract_file", CONTRACTS[:2], indirect=True, ids=["own", "awkward"]
)
OWN = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
WAYS = ("json", "grpc")
CANDIDATE = "deploy/seldon/candidates/candidate/model-settings.json"
PATHS = ("/v1/predict", "/v1/outcomes", "/v1/model")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where MLServer's predictions are logged."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def port(trained: Path, logs: Path) -> Iterator[int]:
    """The port of an MLServer over each contract in turn."""
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
def test_the_paths_beside_the_protocol_say_what_the_application_says(
    trained: Path, any_contract: Contract, port: int, tmp_path: Path
) -> None:
    cases = [*conformance.predictions(any_contract), *conformance.others(any_contract)]
    cases = [each for each in cases if each.path.partition("?")[0] in PATHS]
    cases = [each for each in cases if each.status != 405]  # MLServer's own words

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:

        def here(case: Case) -> Reply:
            got = client.request(
                case.method, case.path, content=case.body, headers=dict(case.headers)
            )
            return Reply(got.status_code, got.headers["content-type"], got.content)

        with inside(trained), ask_app(App(another_server.settings(trained, str(tmp_path)))) as like:
            wrong = conformance.wrong(here, like, cases)

    assert len(cases) > 10
    assert wrong == []


@BOTH
@pytest.mark.usefixtures("trained")
def test_it_describes_the_tensors_of_the_contract(any_contract: Contract, port: int) -> None:
    told = httpx.get(f"http://127.0.0.1:{port}/v2/models/champion").json()

    assert [each["name"] for each in told["inputs"]] == [*any_contract.sent]
    assert "id" in {each["name"] for each in told["outputs"]}


@BOTH
@pytest.mark.usefixtures("trained")
def test_its_metrics_have_our_counters_by_their_names(any_contract: Contract, port: int) -> None:
    def counted() -> dict[str, float]:
        text = httpx.get(f"http://127.0.0.1:{port + 2}/metrics").text
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    rows, before = 'predict_rows_total{answer="model"}', counted()
    infer(port, "grpc", any_contract, requests(any_contract, 5))
    after = counted()

    assert after[rows] == before[rows] + 5
    assert after["model_ready"] == 1


@OWN
def test_a_key_is_asked_for(trained: Path, any_contract: Contract) -> None:
    rows = requests(any_contract)
    with serving(trained / "store", api_key="open sesame") as (port, _):
        for way in WAYS:
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
def test_it_is_ready_with_a_champion_and_follows_promotions(
    trained: Path, any_contract: Contract, tmp_path: Path
) -> None:
    folder = shutil.copytree(trained, tmp_path / "project")
    rows = requests(any_contract)
    store = shutil.move(folder / "store", tmp_path / "away")

    with serving(folder / "store", reload_seconds=0.2) as (port, _), inside(folder):
        url = f"http://127.0.0.1:{port}"
        before = httpx.get(f"{url}/v2/health/ready").status_code
        refused = httpx.post(f"{url}/v1/predict", content=body(rows), headers=JSON).status_code
        shutil.move(store, folder / "store")
        wait_for(lambda: httpx.get(f"{url}/v2/health/ready").status_code == 200, 20)
        first = infer(port, "json", any_contract, rows).get_response()["parameters"]
        train.train(load_settings(env={}))
        promote(load_settings(env={}))
        wait_for(lambda: httpx.get(f"{url}/v1/model").json()["version"] == 2, 20)

    assert (before, refused) == (400, 503)
    assert first["model_version"] == 1


@OWN
def test_a_candidate_answers_from_the_store_it_names(
    trained: Path, any_contract: Contract, tmp_path: Path
) -> None:
    settings = json.loads((Path(__file__).parents[2] / CANDIDATE).read_text("utf-8"))
    settings["parameters"]["extra"]["store"] = str(trained / "store")
    settings["name"] = "champion"
    (tmp_path / "champion").mkdir()
    (tmp_path / "champion/model-settings.json").write_text(json.dumps(settings), "utf-8")

    with serving(tmp_path / "nothing", "--models", str(tmp_path)) as (port, _):
        result = infer(port, "grpc", any_contract, requests(any_contract))

    assert result.as_numpy("fallback").tolist() == [[False]]


@OWN
def test_sigterm_ends_it_in_order(trained: Path, any_contract: Contract, tmp_path: Path) -> None:
    answered: list[str] = []
    failed: list[str] = []
    rows = requests(any_contract)

    def ask(port: int) -> None:
        while not failed:
            try:
                answered.extend(ids(infer(port, "grpc", any_contract, rows, client_timeout=20)))
            except InferenceServerException as error:
                failed.append(str(error))

    with serving(trained / "store", prediction_log=tmp_path / "logs") as (port, process):
        callers = [threading.Thread(target=ask, args=[port]) for _ in range(4)]
        for caller in callers:
            caller.start()
        wait_for(lambda: len(answered) > 50, 60)
        process.terminate()
        code = process.wait(40)
        for caller in callers:
            caller.join(30)

    assert code == 0
    assert [why for why in failed if "UNAVAILABLE" not in why and "CANCELLED" not in why] == []
    assert {*answered} <= {*conformance.logged(tmp_path / "logs")}


@OWN
def test_what_cannot_be_served_is_said_in_one_line(trained: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        no_port = _fails([], store=trained / "store", port=port)
    no_models = _fails(["--models", str(tmp_path)], store=trained / "store")

    assert f"port {port} on 127.0.0.1 cannot be used" in no_port
    assert "holds no folder with a model-settings.json" in no_models


def _fails(words: list[str], **options: Any) -> str:
    return another_server.last_words([*VERB, *words], environment(**options))
