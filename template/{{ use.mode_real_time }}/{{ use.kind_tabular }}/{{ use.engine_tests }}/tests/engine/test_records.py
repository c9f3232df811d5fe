"""Records in an object store and on standard output: whole, told apart, never one over another."""

import json
import os
import re
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from engine.core.errors import SettingsError, StorageError
from engine.core.records import destination, output, store
from engine.core.records.output import Output
from engine.core.records.store import Store
from engine.core.storage import Storage
from engine.serving import prediction_log

from .conftest import CONTRACTS
from .http_server import body, in_process, in_thread, wait_for
from .made_up import requests

JSON = {"Content-Type": "application/json"}
NAME = re.compile(r"\d{6}\.\d{6}-[0-9a-f]{12}-\d{6}\.jsonl")
OWN = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])


@pytest.fixture
def url() -> str:
    """An empty object store in memory."""
    return f"memory://{uuid.uuid4().hex}"


def objects(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every object, by its full name, with its records."""
    place = Storage(url)
    return {
        f"{folder}/{name}": [json.loads(x) for x in place.read(f"{folder}/{name}").splitlines()]
        for folder in place.list()
        for name in place.list(folder)
    }


def test_what_came_together_is_one_object_and_names_sort_by_time(url: str) -> None:
    log = prediction_log.PredictionLog(url, 1, print)

    for number in range(3):
        for part in range(2):
            log.add("predictions", [{"id": f"{number}{part}"}])
        log.flush()
    log.keep("outcomes", [{"id": "came"}])

    found = objects(url)
    kinds = [name.partition("-")[0] for name in found]
    assert kinds == ["outcomes", "predictions", "predictions", "predictions"]
    assert all(NAME.fullmatch(name.partition("/")[2]) for name in found)
    written = [[each["id"] for each in records] for records in found.values()]
    assert written == [["came"], ["00", "01"], ["10", "11"], ["20", "21"]]


def test_replicas_never_write_over_one_another_even_at_the_same_moment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = SimpleNamespace(now=lambda _: datetime(2026, 1, 31, tzinfo=UTC))
    monkeypatch.setattr(store, "datetime", moment)
    replicas = [Store(url) for _ in range(4)]

    def work(replica: Store) -> None:
        for _ in range(50):
            replica.write("predictions", b"{}\n", is_safe=False)

    threads = [threading.Thread(target=work, args=[replica]) for replica in replicas * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(objects(url)) == 400


def test_a_store_that_takes_nothing_is_counted_reported_and_names_nothing_to_a_caller(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dropped: list[int] = []
    log = prediction_log.PredictionLog(url, 1, dropped.append)

    def refuse(*_: object) -> None:
        raise StorageError(f"cannot write {url}: no")

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", refuse)
        log.add("predictions", [{"id": "1"}, {"id": "2"}])
        log.flush()
        with pytest.raises(OSError, match="does not take them") as told:
            log.keep("outcomes", [{"id": "lost"}])
    log.keep("outcomes", [{"id": "kept"}])

    assert dropped == [2]
    assert url not in str(told.value)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert url in caplog.text
    assert list(objects(url).values()) == [[{"id": "kept"}]]


def test_much_at_once_is_written_in_parts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_log, "MOST_AT_ONCE", 1000)
    log = prediction_log.PredictionLog(url, 1, print)
    monkeypatch.setattr(log.to, "seconds", 3600)
    log.start()

    for number in range(100):
        log.add("predictions", [{"id": f"{number:0100}"}])
    wait_for(lambda: len(objects(url)) >= 5)  # long before the hour is over
    log.stop()

    records = [each["id"] for some in objects(url).values() for each in some]
    assert sorted(records) == [f"{number:0100}" for number in range(100)]
    assert max(len(some) for some in objects(url).values()) < 20


def test_a_store_without_its_option_is_refused_at_the_start() -> None:
    if (Path(output.__file__).parents[1] / "object_store.py").exists():
        pytest.skip("this repository has an object store")
    with pytest.raises(StorageError, match="artifact_store=s3"):
        destination("s3://bucket/logs", 1)


@OWN
def test_a_server_logs_to_a_store(trained: Path, any_contract: Any, url: str) -> None:
    outcome = any_contract.classes[0] if any_contract.classes else 1
    with in_thread(trained / "store", prediction_log=url) as (client, _):
        told = client.post("/v1/predict", content=body(requests(any_contract, 3)), headers=JSON)
        ids = [each["id"] for each in told.json()["predictions"]]
        came = {"outcomes": [{"id": ids[0], "outcome": outcome}]}
        assert client.post("/v1/outcomes", json=came).status_code == 202
        [kept] = [some for name, some in objects(url).items() if name.startswith("outcomes-")]
        assert [each["id"] for each in kept] == ids[:1]  # before it was accepted

    [some] = [some for name, some in objects(url).items() if name.startswith("predictions-")]
    assert [each["id"] for each in some] == ids


@OWN
def test_a_server_logs_to_standard_output_until_it_is_killed(
    trained: Path, any_contract: Any
) -> None:
    outcome = any_contract.classes[0] if any_contract.classes else 1
    with in_process(trained, prediction_log="-") as (address, process):
        rows = body(requests(any_contract, 3))
        told = httpx.post(f"{address}/v1/predict", content=rows, headers=JSON)
        ids = [each["id"] for each in told.json()["predictions"]]
        came = {"outcomes": [{"id": ids[0], "outcome": outcome}]}
        assert process.stdout
        lines = [json.loads(process.stdout.readline()) for _ in ids]
        assert httpx.post(f"{address}/v1/outcomes", json=came).status_code == 202
        process.kill()
        lines += [json.loads(line) for line in process.stdout.read().splitlines()]

    assert [line["kind"] for line in lines] == ["predictions"] * 3 + ["outcomes"]
    assert [line["id"] for line in lines] == [*ids, ids[0]]
    assert next(iter(lines[0])) == "kind"  # by which monitor finds it


def test_a_line_that_was_torn_spoils_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    monkeypatch.setattr(output, "STDOUT", writing)
    log, line = Output(), json.dumps({"kind": "predictions", "id": "x" * 1000}).encode() + b"\n"

    with pytest.raises(BlockingIOError):
        log.write("predictions", line * 1000, is_safe=False)
    os.set_blocking(reading, False)
    text = os.read(reading, 1_000_000)
    log.write("outcomes", b'{"kind":"outcomes"}\n', is_safe=True)
    text += os.read(reading, 1_000_000)

    lines = text.split(b"\n")
    assert lines[-2:] == [b'{"kind":"outcomes"}', b""]
    assert {each + b"\n" == line for each in lines[:-3]} == {True}
    assert len(lines[-3]) < len(line) - 1


def test_nobody_reading_refuses_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(output, "STDOUT", writing)

    with pytest.raises(BrokenPipeError):
        prediction_log.PredictionLog("-", 1, print).keep("outcomes", [{"id": "1"}])


def test_only_what_is_named_is_a_log() -> None:
    assert destination("", 1) is None
    assert {type(destination(name, 1)).__name__ for name in ("-", "logs", "./-")} == {
        "Output",
        "Folder",
    }
    with pytest.raises((StorageError, SettingsError)):
        destination("ftp-of-nobody://logs", 1)
