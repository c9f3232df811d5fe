"""The store in Google Cloud Storage: the same registry and bundles, against a stand-in."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from . import cloud_storage, small_bundle
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


def test_versions_are_registered_promoted_loaded_and_rolled_back(
    place: storage.Storage, tmp_path: Path
) -> None:
    books = registry.Registry(place)
    for run_id in ("one", "two"):
        small_bundle.register(place, tmp_path, run_id)
        books.promote()

    assert books.load()[1].model == b"two"
    assert books.rollback() == 1
    assert registry.Registry(storage.Storage(place.url)).load()[1].model == b"one"
    assert [event.action for event in books.state().history][-1] == "rollback"


def test_an_altered_bundle_never_becomes_champion(place: storage.Storage, tmp_path: Path) -> None:
    small_bundle.register(place, tmp_path, "one")
    place.write(f"{registry.folder('one')}/model.onnx", b"altered")

    with pytest.raises(errors.BundleError, match=r"model\.onnx was truncated or altered"):
        registry.Registry(place).promote()

    assert registry.Registry(place).state().champion is None


def test_one_of_many_creates_a_file(place: storage.Storage) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: place.create("name", f"{i}".encode()), range(8)))

    assert won.count(True) == 1
    assert place.read("name") == f"{won.index(True)}".encode()
    assert not place.create("name", b"too late")
    assert place.read("name") == f"{won.index(True)}".encode()


def test_folders_are_listed_and_copied(place: storage.Storage, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/one").write_bytes(b"1")

    place.upload(tmp_path / "here", "there")
    place.download("there", tmp_path / "back")

    assert place.list() == ["there"]
    assert place.list("there") == ["one"]
    assert place.list("nowhere") == []
    assert (tmp_path / "back/one").read_bytes() == b"1"
    place.remove("there/one")
    assert not place.exists("there/one")


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
