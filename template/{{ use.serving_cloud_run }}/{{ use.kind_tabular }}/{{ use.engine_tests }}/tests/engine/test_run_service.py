"""The service as Cloud Run starts it: the image's command, service.yaml's environment, a bucket.

Here it is a process, the bucket is a stand-in, and the port is a free one. Not here: the container
and its limits, the platform's proxy, identity and secrets.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import httpx
import pytest

from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.serving.http.app import App
from tools.deploy import DEPLOY, cloud_run, stages

from . import cloud_storage, conformance
from .asked import ask_app
from .conformance import Case, Reply
from .conftest import CONTRACTS
from .http_server import SRC, START_SECONDS, body, kill, wait_for
from .made_up import inside, requests
from .test_serve import Callers

pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])

KEY = {"X-API-Key": "a key that the secret holds"}


@pytest.fixture(scope="module")
def bucket(trained: Path) -> Iterator[str]:
    """The address of a stand-in for Cloud Storage whose bucket has the trained store."""
    with cloud_storage.running() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        fsspec.get_filesystem_class("gs").clear_instance_cache()
        store = Storage(f"gs://{cloud_storage.BUCKET}/store")
        for path in (trained / "store").rglob("*"):
            if path.is_file():
                store.write(path.relative_to(trained / "store").as_posix(), path.read_bytes())
        yield address


def container() -> Any:
    """The container of the filled-in service."""
    [found] = stages.service("prod")["spec"]["template"]["spec"]["containers"]
    return found


@contextmanager
def started(bucket: str, folder: Path, **other: str) -> Iterator[tuple[str, Any]]:
    """The service as a process, in an empty folder; gives its address. `other` replaces values."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    said = cloud_run.image() | {each["name"]: each.get("value", "") for each in container()["env"]}
    assert said["APP_PORT"] == str(container()["ports"][0]["containerPort"])
    env = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    env |= {name: re.sub("^gs://[^/]+", "gs://models", value) for name, value in said.items()}
    env |= {"PORT": port, "APP_PORT": port, "APP_API_KEY": KEY["X-API-Key"], "K_SERVICE": "model"}
    env |= {"STORAGE_EMULATOR_HOST": bucket, "PYTHONPATH": str(SRC), **other}
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    [command] = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    process = subprocess.Popen(
        [sys.executable, *json.loads(command)[1:]],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: process.poll() is not None or answers(url), START_SECONDS)
        assert process.poll() is None, process.communicate()[0]
        yield url, process
    finally:
        kill(process)
        process.communicate()


def answers(url: str) -> bool:
    """Whether somebody listens."""
    try:
        return bool(httpx.get(f"{url}/health/live").status_code)
    except httpx.TransportError:
        return False


def probe(url: str, name: str) -> int:
    """What a probe of the service gets; the platform sends no key."""
    return httpx.get(url + container()[name]["httpGet"]["path"]).status_code


def logged(place: str) -> list[str]:
    """The ids of the predictions that were kept in a folder of the bucket."""
    fs = Storage(place).fs
    fs.invalidate_cache()
    found = [fs.cat_file(name) for name in fs.find(place) if "/predictions-" in name]
    return [json.loads(line)["id"] for text in found for line in text.splitlines()]


def test_it_answers_as_the_application(
    bucket: str, trained: Path, any_contract: Any, tmp_path: Path
) -> None:
    log = f"gs://{cloud_storage.BUCKET}/{tmp_path.name}"
    own = {"prediction_log": str(tmp_path / "own"), "api_key": KEY["X-API-Key"]}
    answered = []
    with started(bucket, tmp_path, APP_PREDICTION_LOG=log) as (url, process):
        told = [probe(url, "startupProbe"), probe(url, "livenessProbe")]
        closed = httpx.get(f"{url}/v1/model").status_code

        def ask(case: Case) -> Reply:
            got = client.request(
                case.method, case.path, content=case.body, headers={**case.headers, **KEY}
            )
            reply = Reply(got.status_code, got.headers["content-type"], got.content)
            if case.path.startswith("/v1/predict") and reply.status == 200:
                answered.extend(conformance.ids(reply))
            return reply

        with (
            httpx.Client(base_url=url, timeout=20) as client,
            inside(trained),
            ask_app(App(Settings(store=str(trained / "store"), **own))) as like,
        ):

            def keyed(case: Case) -> Reply:
                return like(case._replace(headers={**case.headers, **KEY}))

            wrong = conformance.wrong(ask, keyed, conformance.predictions(any_contract))
            wrong += conformance.wrong(ask, keyed, conformance.others(any_contract))
        process.terminate()
        code = process.wait(cloud_run.GRACE)

    assert wrong == []
    assert (told, closed, code) == ([200, 200], 401, 0)
    assert len(set(answered)) == len(answered) == 5
    assert sorted(logged(log)) == sorted(answered)


def test_without_a_champion_it_lives_and_is_not_ready(bucket: str, tmp_path: Path) -> None:
    nothing = f"gs://{cloud_storage.BUCKET}/nothing"
    with started(bucket, tmp_path, APP_STORE=nothing, APP_PREDICTION_LOG="") as (url, _):
        told = [probe(url, "startupProbe"), probe(url, "livenessProbe")]

    assert told == [503, 200]


def test_it_ends_within_the_grace_and_loses_nothing(
    bucket: str, any_contract: Any, tmp_path: Path
) -> None:
    """Some requests are being answered, some half sent, and one is half sent and left so."""
    content = body(requests(any_contract, 20))
    log = f"gs://{cloud_storage.BUCKET}/{tmp_path.name}"
    head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"X-API-Key: %b\r\n" % KEY["X-API-Key"].encode()
    head += b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(content)
    with started(bucket, tmp_path, APP_PREDICTION_LOG=log) as (url, process):
        callers = Callers(url, content, 8, KEY)
        callers.start()
        wait_for(lambda: callers.statuses[200] > 50)
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        left, *slow = [socket.create_connection(address) for _ in range(4)]
        for caller in (left, *slow):
            caller.sendall(head + content[:9])
        time.sleep(0.2)
        callers.go_on = False  # an instance that has to end gets no new requests
        process.send_signal(signal.SIGTERM)
        since = time.monotonic()
        time.sleep(0.5)
        for caller in slow:
            caller.sendall(content[9:])
        replies = [caller.makefile("rb").read() for caller in slow]
        code = process.wait(cloud_run.GRACE)
        took = time.monotonic() - since
        callers.stop()
        for caller in (left, *slow):
            caller.close()

    answered = [json.loads(reply.partition(b"\r\n\r\n")[2])["predictions"] for reply in replies]
    ids = [*callers.ids, *(each["id"] for rows in answered for each in rows)]
    assert code == 0
    assert took < cloud_run.GRACE - cloud_run.LOG_SECONDS
    assert set(callers.statuses) == {200}
    assert sorted(ids) == sorted(logged(log))
