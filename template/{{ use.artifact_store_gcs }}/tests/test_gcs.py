"""The store in Google Cloud Storage: the same registry and bundles, against a stand-in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import cloud_storage, store_checks
from .conftest import errors, registry, storage


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running stand-in."""
    with cloud_storage.running() as address:
        yield address


@pytest.fixture
def place(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> storage.Storage:
    """An empty folder of the bucket."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
    return storage.Storage(f"gs://{cloud_storage.BUCKET}/{tmp_path.name}")


class TestStore(store_checks.StoreChecks):
    """The registry and the bundles."""


def test_no_further_calls_find_out_the_kind_of_bucket(place: storage.Storage) -> None:
    assert type(place.fs).__module__ == "gcsfs.core"


@pytest.mark.usefixtures("place")
def test_a_missing_bucket_is_one_line() -> None:
    with pytest.raises(errors.StorageError, match=r"cannot write gs://no-such.*bucket") as caught:
        storage.Storage("gs://no-such-bucket/models").check()

    assert "\n" not in str(caught.value)


def test_a_server_that_does_not_answer_is_one_line(
    place: storage.Storage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    place.fs.clear_instance_cache()
    wait = asyncio.sleep  # gcsfs tries again for half a minute
    monkeypatch.setattr(asyncio, "sleep", lambda *_: wait(0))

    with pytest.raises(errors.StorageError, match="cannot read gs://") as caught:
        registry.Registry(storage.Storage(place.url)).load()

    assert "\n" not in str(caught.value)
    logged = [record.name for record in caplog.records]
    assert "gcsfs" not in logged  # it would log the traceback as well
