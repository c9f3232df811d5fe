"""The store in S3: the same registry and bundles, against a stand-in on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from . import store_checks
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


class TestStore(store_checks.StoreChecks):
    """The registry and the bundles."""


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
