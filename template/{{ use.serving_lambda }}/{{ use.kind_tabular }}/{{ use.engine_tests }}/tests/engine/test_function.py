"""The function by Lambda's runtime client: what happens between two calls, and when it fails."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from engine.commands.registry import promote
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.serving.function.function import Function, Unanswered
from engine.training import train

from . import conformance
from .conformance import Case
from .conftest import CONTRACTS
from .gateways import function_url, sent_back
from .made_up import inside, requests
from .runtime_api import RuntimeApi, function

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])

MODEL = Case("", 200, "GET", "/v1/model", headers={})


def version(api: RuntimeApi) -> int:
    """Which version answers."""
    reply = sent_back(api.invoke(function_url(MODEL)).reply)
    return int(json.loads(reply.body)["version"])


@pytest.fixture
def changing(trained: Path, tmp_path: Path) -> Path:
    """A project with a champion and a second version, which may be changed."""
    folder = shutil.copytree(trained, tmp_path / "changing")
    with inside(folder):
        train.train(load_settings(env={}))
    return folder


def test_a_process_that_stood_still_sees_a_promotion_at_the_next_call(changing: Path) -> None:
    with function(changing, reload_seconds=1, deadline_ms=20_000) as (api, process):
        assert version(api) == 1
        os.killpg(process.pid, signal.SIGSTOP)
        with inside(changing):
            promote(load_settings(env={}))
        time.sleep(1.2)
        os.killpg(process.pid, signal.SIGCONT)

        assert version(api) == 2


def test_the_registry_is_not_looked_at_before_it_is_time(changing: Path) -> None:
    with function(changing, reload_seconds=3600) as (api, _process):
        assert version(api) == 1
        with inside(changing):
            promote(load_settings(env={}))

        assert version(api) == 1


def test_a_store_that_does_not_answer_keeps_a_caller_no_longer_than_a_prediction(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(trained):
        settings = Settings(store=str(trained / "store"), prediction_log="", reload_seconds=0)
        here = Function(settings)
        monkeypatch.setattr(Registry, "state", lambda _self: time.sleep(3))
        begun = time.monotonic()

        reply = here(function_url(MODEL))

        assert time.monotonic() - begun < 2
        assert reply["statusCode"] == 200
        here.close()


def test_a_call_without_http(trained: Path, any_contract: Any, tmp_path: Path) -> None:
    rows = requests(any_contract, 2)
    with function(trained, prediction_log=tmp_path / "logs", api_key="k") as (api, _process):
        good = api.invoke({"rows": rows})
        bad = api.invoke({"rows": [{"no such column": 1}]})

    assert [each["id"] for each in good.reply["predictions"]] == conformance.logged(
        tmp_path / "logs"
    )
    assert bad.reply["status"] == 422


def test_standard_output_has_each_record_before_its_reply(trained: Path, any_contract: Any) -> None:
    answered, found = [], []
    with function(trained, prediction_log="-") as (api, process):
        assert process.stdout
        for _ in range(3):
            answer = api.invoke({"rows": requests(any_contract, 2)}).reply
            answered += [each["id"] for each in answer["predictions"]]
            while len(found) < len(answered):  # nothing else may be waited for
                line = process.stdout.readline()
                if line.startswith("{"):
                    record = json.loads(line)
                    assert (record["kind"], record["fallback"]) == ("predictions", False)
                    found.append(record["id"])

    assert found == answered


def test_the_key_is_asked_for_over_http(trained: Path) -> None:
    with function(trained, prediction_log="", api_key="secret") as (api, _process):
        without = sent_back(api.invoke(function_url(MODEL)).reply)
        asked = MODEL._replace(headers={"X-Api-Key": "secret"})
        with_it = sent_back(api.invoke(function_url(asked)).reply)
        alive = sent_back(api.invoke(function_url(MODEL._replace(path="/health/live"))).reply)

    assert (without.status, with_it.status, alive.status) == (401, 200, 200)


def test_reports_are_not_for_whoever_says_to_be_this_machine(trained: Path) -> None:
    with inside(trained):
        here = Function(Settings(store=str(trained / "store"), prediction_log=""))
        reply = here(function_url(Case("", 0, "GET", "/card", headers={"Host": "localhost"})))
        here.close()

    assert reply["statusCode"] in (401, 403)


def test_the_fallback_answers_when_the_model_fails(
    trained: Path, any_contract: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(trained):
        settings = Settings(store=str(trained / "store"), prediction_log=str(tmp_path / "logs"))
        here = Function(settings)
        model: Any = here._application.app.model.now

        def fail(_items: Any) -> Any:
            raise RuntimeError("broken")

        monkeypatch.setattr(type(model), "score", lambda _self, items: fail(items))
        answer = here({"rows": requests(any_contract, 1)})
        here.close()

    assert answer["predictions"][0]["fallback"]
    assert conformance.logged(tmp_path / "logs") == [answer["predictions"][0]["id"]]


def test_without_a_champion_it_starts_and_says_so(trained: Path, tmp_path: Path) -> None:
    with function(trained, store=tmp_path / "empty", prediction_log="") as (api, _process):
        reply = sent_back(api.invoke(function_url(MODEL)).reply)
        called = api.invoke({"rows": []})

    assert reply.status == 503
    assert called.kind == "error"
    assert json.loads(called.content)["errorType"] == Unanswered.__name__


def test_a_wrong_setting_ends_it_with_one_line(trained: Path) -> None:
    with function(trained, no_such_setting=1) as (_api, process):
        said = process.communicate(timeout=60)[0]

    assert process.returncode == 1
    assert said.startswith("the function cannot start: unknown setting 'no_such_setting'")
    assert said.count("\n") == 1


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """A stand-in for S3, by the variables that name it."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "of the stand-in",
        "AWS_SECRET_ACCESS_KEY": "of the stand-in",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


def test_the_registry_in_s3_is_followed(
    changing: Path, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch, any_contract: Any
) -> None:
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    bucket = Storage("s3://models")
    bucket.fs.mkdir("models")
    bucket.fs.put(f"{changing}/store/", "models/store/", recursive=True)
    store = "s3://models/store"

    options = {"store": store, "prediction_log": "", "reload_seconds": 0, "deadline_ms": 20_000}
    with function(changing, aws, **options) as (api, _process):
        assert api.invoke({"rows": requests(any_contract, 1)}).reply["model_version"] == 1
        Registry(Storage(store)).promote()
        assert version(api) == 2
        Registry(Storage(store)).rollback()

        assert api.invoke({"rows": requests(any_contract, 1)}).reply["model_version"] == 1
