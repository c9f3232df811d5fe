"""The pod of prod as a process: its command, its environment, its probes, its end.

What is read from the manifest and the image is used as it is; only paths of the container are
replaced by those of this machine, and the port by a free one.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.core.settings import load_settings
from engine.serving.http.app import App
from tools.deploy import DEPLOY, agreement, kustomize, target

from . import conformance
from .asked import ask_app
from .conftest import CONTRACTS
from .http_server import SRC, START_SECONDS, kill
from .made_up import inside

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])
KEY = {"X-API-Key": "the key"}


@pytest.fixture(scope="module")
def built() -> list[kustomize.Manifest]:
    """The manifests of prod."""
    return kustomize.build(target.OVERLAYS / "prod")


@pytest.fixture(scope="module")
def pod(built: list[kustomize.Manifest]) -> dict[str, Any]:
    """What the Deployment of prod says of its pods."""
    [deployment] = [each for each in built if each["kind"] == "Deployment"]
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


@pytest.fixture
def environment(built: list[kustomize.Manifest], trained: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of the pod, with this machine's paths, and with what the Secret holds."""
    [deployment] = [each for each in built if each["kind"] == "Deployment"]
    found = agreement.environment(deployment, built)
    assert "APP_API_KEY" not in found
    here = {"APP_STORE": trained / "store", "APP_PREDICTION_LOG": tmp_path / "logs", "APP_PORT": 0}
    (tmp_path / "logs").mkdir()
    return {**found, **{name: str(value) for name, value in here.items()}, "APP_API_KEY": "the key"}


@contextmanager
def started(
    pod: dict[str, Any], environment: dict[str, str], folder: Path
) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """The container's process, and a client for it."""
    [container] = pod["containers"]
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    command = container.get("command") or json.loads(re.findall(r"^CMD (.*)$", text, re.M)[-1])
    command = [sys.executable if part == "python" else part for part in command]
    process = subprocess.Popen(
        [*command, *container.get("args", [])],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), **environment},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watch = threading.Timer(START_SECONDS, kill, [process])
    watch.start()
    try:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        with httpx.Client(base_url=url, timeout=20) as client:
            yield client, process
    finally:
        watch.cancel()
        kill(process)
        process.communicate()


def test_the_pod_answers_its_probes_and_as_the_application_and_ends_in_its_grace(
    pod: dict[str, Any],
    environment: dict[str, str],
    trained: Path,
    any_contract: Any,
    tmp_path: Path,
) -> None:
    [container] = pod["containers"]
    answered: list[str] = []
    own = {**environment, "APP_PREDICTION_LOG": str(tmp_path / "own")}
    with inside(trained):
        application = App(load_settings("none.toml", own))
    with started(pod, environment, trained) as (client, process), ask_app(application) as like:

        def ask(case: conformance.Case) -> conformance.Reply:
            given = {**case.headers, **KEY}
            got = client.request(case.method, case.path, content=case.body, headers=given)
            reply = conformance.Reply(got.status_code, got.headers["content-type"], got.content)
            if case.path.startswith("/v1/predict") and reply.status == 200:
                answered.extend(conformance.ids(reply))
            return reply

        def ask_the_application(case: conformance.Case) -> conformance.Reply:
            return like(case._replace(headers={**case.headers, **KEY}))

        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert client.get(container[probe]["httpGet"]["path"]).status_code == 200
        cases = [*conformance.predictions(any_contract), *conformance.others(any_contract)]
        wrong = conformance.wrong(ask, ask_the_application, cases)
        without_key = client.post(
            "/v1/predict", content=cases[0].body, headers=dict(cases[0].headers)
        )
        metrics = client.get("/metrics").text
        process.terminate()
        before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        code = process.wait(pod["terminationGracePeriodSeconds"] - before)

    assert wrong == []
    assert without_key.status_code == 401
    assert re.search(r"(?m)^model_ready\{project=.*\} 1\.0$", metrics)
    assert code == 0
    assert sorted(conformance.logged(tmp_path / "logs")) == sorted(answered) != []


def test_a_pod_without_a_champion_lives_and_is_not_ready(
    pod: dict[str, Any], environment: dict[str, str], trained: Path, tmp_path: Path
) -> None:
    empty = {**environment, "APP_STORE": str(tmp_path / "nothing")}
    [container] = pod["containers"]

    with started(pod, empty, trained) as (client, _):
        told = {
            probe: client.get(container[probe]["httpGet"]["path"]).status_code
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }

    assert told == {"startupProbe": 200, "livenessProbe": 200, "readinessProbe": 503}
