"""A version answers whole or not at all, and another one takes over without a restart."""

import gc
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.core.errors import StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.bundle import CONTRACT, MODEL, write_bundle
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.registry.sealed import MANIFEST
from engine.serving import live_model
from engine.serving.model import Models

from .conftest import CONTRACTS
from .http_server import body, in_thread, wait_for
from .made_up import requests

SOON = {"reload_seconds": 0.05}

pytestmark = [
    pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"]),
    pytest.mark.usefixtures("books"),
]


@pytest.fixture
def books(trained: Path, tmp_path: Path) -> Any:
    """The registry of a copy of the trained project: version 1 is the champion."""
    for folder in ("store", "features"):  # the second where features are looked up
        if (trained / folder).exists():
            shutil.copytree(trained / folder, tmp_path / folder)
    return Registry(Storage(tmp_path / "store"))


def add_version(books: Any, scratch: Path, model: bytes | None = None) -> int:
    """Register and promote the champion's bundle once more, with another model if given."""
    _, champion = books.load()
    folder = scratch / "bundle"
    books.storage.download(f"versions/{champion.manifest.run_id}", folder)
    if model is not None:
        (folder / MODEL).write_bytes(model)
    manifest = msgspec.structs.replace(champion.manifest, run_id="second")
    digest = write_bundle(folder, manifest)
    version: int = books.register(folder, "second", digest, {})
    books.promote(version)
    return version


def damaged(folder: Path) -> Iterator[Callable[[], object]]:
    """Ways to damage a bundle."""
    model = folder / MODEL
    yield model.unlink
    yield lambda: model.write_bytes(model.read_bytes()[:-100])
    yield lambda: model.write_bytes(bytes([model.read_bytes()[0] ^ 1]) + model.read_bytes()[1:])
    yield (folder / CONTRACT).unlink
    yield lambda: (folder / MANIFEST).write_text("{")


def test_promotion_and_rollback_take_effect_without_a_restart(books: Any, tmp_path: Path) -> None:
    with in_thread(tmp_path / "store", **SOON) as (client, app):
        content = body(requests(app.model.now.predictor.contract))

        def version() -> int:
            reply = client.post(
                "/v1/predict", content=content, headers={"Content-Type": "application/json"}
            )
            assert reply.status_code == 200
            answered: int = reply.json()["model_version"]
            return answered

        assert version() == 1
        add_version(books, tmp_path)
        wait_for(lambda: version() == 2)
        assert (
            'model_version_info{project="model",run_id="second",version="2"} 1.0'
            in client.get("/metrics").text
        )
        books.rollback()
        wait_for(lambda: version() == 1)
        assert client.get("/health/ready").json() == {"status": "ready", "model_version": 1}


@pytest.mark.parametrize("way", range(5))
def test_a_damaged_bundle_is_not_ready_and_says_why(tmp_path: Path, way: int) -> None:
    [folder] = (tmp_path / "store" / "versions").iterdir()
    whole = {file: file.read_bytes() for file in folder.iterdir()}
    list(damaged(folder))[way]()

    with in_thread(tmp_path / "store", **SOON) as (client, app):
        ready, alive = client.get("/health/ready"), client.get("/health/live")
        predict = client.post("/v1/predict", json={"rows": []})
        metrics = client.get("/metrics").text
        for file, content in whole.items():
            file.write_bytes(content)
        wait_for(lambda: app.model.now)
        assert client.get("/health/ready").status_code == 200

    assert (ready.status_code, predict.status_code, alive.status_code) == (503, 503, 200)
    detail = ready.json()["detail"]
    assert str(folder) in detail
    assert any(word in detail for word in ("missing", "truncated or altered", "manifest"))
    assert 'model_ready{project="model"} 0.0' in metrics


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with in_thread(tmp_path / "nothing") as (client, _):
        reply = client.get("/health/ready")

    assert reply.status_code == 503
    assert "python3 run.py up" in reply.json()["detail"]


def test_a_bad_new_version_leaves_the_old_one_answering(books: Any, tmp_path: Path) -> None:
    with in_thread(tmp_path / "store", **SOON) as (client, app):
        add_version(books, tmp_path, model=b"not a model")
        wait_for(lambda: app.model.trouble)
        ready = client.get("/health/ready")

    assert ready.status_code == 200
    assert ready.json()["model_version"] == 1
    assert ready.json()["status"] == "degraded"
    assert "cannot be opened" in ready.json()["trouble"]


def test_the_champion_before_answers_where_the_champion_is_damaged_at_the_start(
    books: Any, tmp_path: Path
) -> None:
    add_version(books, tmp_path)
    model = tmp_path / "store/versions/second" / MODEL
    whole = model.read_bytes()
    model.write_bytes(whole[:-100])

    with in_thread(tmp_path / "store", **SOON) as (client, app):
        ready, metrics = client.get("/health/ready"), client.get("/metrics").text
        asked = requests(app.model.now.predictor.contract)
        answered = client.post("/v1/predict", json={"rows": asked})
        model.write_bytes(whole)
        wait_for(lambda: app.model.now.version == 2)
        later, mended = client.get("/health/ready"), client.get("/metrics").text

    assert (ready.status_code, answered.status_code) == (200, 200)
    assert ready.json()["model_version"] == answered.json()["model_version"] == 1
    assert ready.json()["status"] == "degraded"
    assert "truncated or altered" in ready.json()["trouble"]
    assert 'model_behind{project="model"} 1.0' in metrics
    assert later.json() == {"status": "ready", "model_version": 2}
    assert 'model_behind{project="model"} 0.0' in mended


@pytest.mark.parametrize("content", [b"", b"{", b"{}"], ids=["empty", "half", "another"])
def test_the_state_before_counts_where_the_newest_is_damaged_at_the_start(
    books: Any, tmp_path: Path, content: bytes
) -> None:
    add_version(books, tmp_path)
    file = tmp_path / f"store/registry/{books.state().number:08d}.json"
    whole = file.read_bytes()
    file.write_bytes(content)

    with in_thread(tmp_path / "store", **SOON) as (client, app):
        ready, metrics = client.get("/health/ready"), client.get("/metrics").text
        file.write_bytes(whole)
        wait_for(lambda: app.model.now.version == 2)
        later = client.get("/health/ready")

    assert ready.status_code == 200
    assert (ready.json()["status"], ready.json()["model_version"]) == ("degraded", 1)
    assert f"{file} is broken" in ready.json()["trouble"]
    assert 'model_behind{project="model"} 1.0' in metrics
    assert later.json() == {"status": "ready", "model_version": 2}


@pytest.mark.parametrize("fault", [ValueError("no"), None])
def test_a_model_that_fails_on_allowed_rows_never_takes_over(
    books: Any, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    def score(self: Any, rows: Any) -> Any:
        if fault:
            raise fault
        return self.fallback(len(rows)) * float("nan")

    monkeypatch.setattr(Predictor, "score", score)
    model = live_model.LiveModel(books, Models(Settings()))

    assert not model.refresh()
    assert model.now is None
    assert "rows its contract allows" in model.trouble


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (StorageError("the network is gone"), "the network is gone"),
        (PermissionError("a key"), "the store cannot be read: PermissionError"),
        (AttributeError("a row"), "the champion cannot be opened: a fault of the code, Attribute"),
    ],
)
def test_a_store_that_cannot_be_read_ends_nothing(
    books: Any, monkeypatch: pytest.MonkeyPatch, fault: Exception, trouble: str
) -> None:
    model = live_model.LiveModel(books, Models(Settings()))
    model.refresh()

    def fail() -> None:
        raise fault

    monkeypatch.setattr(books, "state", fail)
    model.refresh()

    assert model.now.version == 1
    assert model.trouble.startswith(trouble)
    assert "a row" not in model.trouble


def test_what_lives_on_costs_the_garbage_collector_nothing(books: Any, tmp_path: Path) -> None:
    gc.unfreeze()
    live = live_model.LiveModel(books, Models(Settings(store=str(tmp_path / "store"))))
    live.refresh()
    live_model.spare()
    first = weakref.ref(live.now)
    assert gc.get_freeze_count() > 10_000

    first().itself = first()  # type: ignore[attr-defined]  # only the collector can free it
    add_version(books, tmp_path)
    live.refresh()
    live_model.spare()

    assert live.now
    assert live.now.version == 2
    assert first() is None
    gc.unfreeze()
