"""The store in S3: the same registry and bundles, against a stand-in on this machine."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from . import small_bundle
from .conftest import errors, registry, storage

BUCKET = "models"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running stand-in."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def place(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> storage.Storage:
    """An empty folder of the bucket."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the stand-in")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the stand-in")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    storage.Storage("s3://").fs.clear_instance_cache()
    place = storage.Storage(f"s3://{BUCKET}/{tmp_path.name}")
    if not place.fs.exists(BUCKET):
        place.fs.mkdir(BUCKET)
    return place


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


@pytest.mark.usefixtures("place")
def test_a_missing_bucket_is_one_line() -> None:
    with pytest.raises(errors.StorageError, match=r"cannot write s3://no-such.*bucket") as caught:
        storage.Storage("s3://no-such-bucket/models").check()

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", ["write", "create"])
def test_a_server_that_does_not_answer_is_one_line(
    place: storage.Storage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    place.fs.clear_instance_cache()

    with pytest.raises(
        errors.StorageError, match="check the address and the credentials"
    ) as caught:
        getattr(storage.Storage(place.url), step)("name", b"")

    assert "\n" not in str(caught.value)


def test_missing_credentials_are_one_line(
    place: storage.Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    place.fs.clear_instance_cache()

    with pytest.raises(
        errors.StorageError, match="check the address and the credentials"
    ) as caught:
        registry.Registry(storage.Storage(place.url)).load()

    assert "\n" not in str(caught.value)
