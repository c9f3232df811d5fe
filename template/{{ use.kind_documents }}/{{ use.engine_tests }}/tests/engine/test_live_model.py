"""What goes wrong while a server follows the champion: it is named, and the old version answers."""

import logging
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import DataError, StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.serving.live_model import LiveModel
from engine.serving.model import Model, Models

from . import small_bundle

SECRET = "a secret of the data"


@pytest.fixture
def books(tmp_path: Path) -> Registry:
    """A registry whose champion is version 1."""
    place = Storage(tmp_path / "store")
    small_bundle.register(place, tmp_path, "one")
    Registry(place).promote()
    return Registry(place)


def broken(*_: Any) -> None:
    """A fault of the code."""
    raise AttributeError(SECRET)


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (StorageError("cannot read s3://a/b: timed out"), "cannot read s3://a/b: timed out"),
        (DataError("line 2 is broken"), "line 2 is broken"),
        (PermissionError("a key"), "the store cannot be read: PermissionError"),
        (TimeoutError(), "the store cannot be read: TimeoutError"),
    ],
)
def test_what_a_store_raises_is_said_to_be_of_the_store(
    books: Registry, monkeypatch: pytest.MonkeyPatch, fault: Exception, trouble: str
) -> None:
    model: Any = LiveModel(books, Models(Settings()))
    model.refresh()

    def fail() -> None:
        raise fault

    monkeypatch.setattr(books, "state", fail)
    model.refresh()

    assert (model.now.version, model.trouble) == (1, trouble)


def test_a_fault_of_the_code_is_named_as_one_and_the_old_version_answers(
    books: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model: Any = LiveModel(books, Models(Settings()))
    model.refresh()
    books.promote(small_bundle.register(books.storage, tmp_path, "two"))
    monkeypatch.setattr(Model, "fill", broken)

    with caplog.at_level(logging.ERROR):
        assert [model.refresh(), model.refresh()] == [False, False]

    assert model.now.version == 1
    assert model.trouble.startswith("the champion cannot be opened: a fault of the code, Attribute")
    assert f"{Path(__file__).name}:" in model.trouble
    assert SECRET not in model.trouble
    [record] = caplog.records
    assert "version 1 goes on answering" in record.message
    assert record.exc_info
    assert record.exc_info[0] is AttributeError
    monkeypatch.undo()
    assert model.refresh()
    assert (model.now.version, model.trouble) == (2, None)


def test_a_fault_of_the_code_at_the_start_ends_nothing(
    books: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    books.promote(small_bundle.register(books.storage, tmp_path, "two"))
    monkeypatch.setattr(Model, "fill", broken)
    model: Any = LiveModel(books, Models(Settings()))

    assert not model.refresh()

    assert model.now is None
    assert "a fault of the code, AttributeError" in model.trouble
    assert "version 1 cannot stand in: a fault of the code, AttributeError" in caplog.text
