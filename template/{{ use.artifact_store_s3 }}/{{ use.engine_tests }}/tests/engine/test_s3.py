"""The store in S3: the same registry and bundles, against a stand-in on this machine."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from engine.core.errors import StorageError
from engine.core.storage import Storage

from .object_store_checks import ObjectStoreChecks


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running stand-in."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class TestStore(ObjectStoreChecks):
    """The registry and the bundles, and how credentials are missed."""

    def told(self, address: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "of the stand-in",
            "AWS_SECRET_ACCESS_KEY": "of the stand-in",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def test_missing_credentials_are_one_line(
        self, place: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
        monkeypatch.setenv("AWS_CONFIG_FILE", "none")
        place.fs.clear_instance_cache()

        with pytest.raises(StorageError, match="check the address and the credentials") as said:
            Storage(place.url).exists("name")

        assert "\n" not in str(said.value)
