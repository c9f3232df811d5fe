"""What only Feast has: definitions that others can read, and a server that may be elsewhere."""

import asyncio
import dataclasses
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.commands import materialize as materialize
from engine.core.errors import ContractError, StorageError
from engine.core.settings import Settings
from engine.features import feast_worker
from engine.features import online as online_stores
from engine.features import store as feature_store
from engine.features import tables as feature_tables

from .feature_project import CONTRACT, moment, write
from .made_up import inside

REPO = Path(__file__).parents[2] / "feature_repo"
PYTHON = REPO / (".venv/Scripts/python.exe" if os.name == "nt" else ".venv/bin/python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project folder whose table is in the online store, as it was on the 12th of January."""
    with inside(tmp_path_factory.mktemp("feast")) as folder:
        found = write(folder, [("ann", "2026-01-12T00:00:00Z")])
        materialize.materialize(found, Settings(), moment("12"))
        yield folder


def feast(*arguments: str) -> str:
    """What Feast's command line says of the present folder."""
    call = [PYTHON, REPO / "worker.py", *arguments]
    return subprocess.run(call, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.usefixtures("folder")
def test_views_entities_and_types_are_those_of_the_contract() -> None:
    said = feast("feature-views", "describe", "people")

    assert {"DOUBLE", "INT64", "BOOL", "UNIX_TIMESTAMP", "STRING"} <= set(said.split())
    for part in ("- person", "name: score", "name: visits", "name: vip", "name: tier", "2592000s"):
        assert part in said, part
    assert 'last "seen"' in said


def test_another_model_in_the_same_store_keeps_its_views(folder: Path) -> None:
    text = CONTRACT.replace("tables.people", "tables.staff").replace('"people"', '"staff"')
    (folder / "other").mkdir()
    with inside(folder / "other") as other:
        found = write(other, [("ann", "2026-01-12T00:00:00Z")], text=text)
        tables = feature_tables.read_all(found)
    plans = [feature_store._plan(table) for table in _moved(tables, folder / "other")]
    feast_worker.worker.ask("materialize", tables=plans, until=moment("12").isoformat())

    assert {"people", "staff"} <= feast_worker.worker.ask("serve")["views"].keys()


def _moved(tables: Any, place: Path) -> Any:
    return [dataclasses.replace(table, file=place / table.file) for table in tables]


@pytest.mark.usefixtures("folder")
def test_a_feature_server_elsewhere_is_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    call = [PYTHON, REPO / "worker.py", "serve", "--host", "127.0.0.1", "--port", str(port)]
    monkeypatch.setattr(feast_worker.worker, "ask", None)  # nothing is started beside us
    store = online_stores.OnlineStore(Settings(feature_store=f"http://127.0.0.1:{port}/"))
    before = store.refresh()
    server = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}/health")
        during = store.refresh()
        ann, nobody = asyncio.run(store.find("people", ["ann", "nobody"], "person"))
    finally:
        server.terminate()
        server.wait(30)
    after = store.refresh()
    store.close()

    assert "the feature server cannot be asked" in before
    assert during == ""
    assert (ann.values["visits"], ann.since, nobody) == (2, moment("10").timestamp(), None)
    assert "the feature server cannot be asked" in after


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(url, timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


@pytest.mark.usefixtures("folder")
def test_a_worker_that_was_killed_is_started_again() -> None:
    store = online_stores.OnlineStore(Settings())
    assert store.refresh() == ""
    process = feast_worker.worker._process
    assert process
    process.kill()
    process.wait()

    assert store.refresh() == ""
    [ann] = asyncio.run(store.find("people", ["ann"], "person"))
    store.close()

    assert ann.values["visits"] == 2


def test_a_column_with_a_name_that_feast_uses_is_refused(folder: Path) -> None:
    found = write(folder, [], text=CONTRACT.replace("visits", "event_timestamp"))
    people = folder / "data/people.csv"
    people.write_text(people.read_text("utf-8").replace("visits", "event_timestamp"), "utf-8")

    with pytest.raises(ContractError, match="has a name that Feast uses"):
        materialize.materialize(found, Settings())


def test_feast_that_is_not_there_is_said_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(feast_worker, "RUN", tmp_path / "run.py")

    with pytest.raises(StorageError, match="APP_FEATURE_STORE"):
        feast_worker.FeastWorker().ask("serve")
