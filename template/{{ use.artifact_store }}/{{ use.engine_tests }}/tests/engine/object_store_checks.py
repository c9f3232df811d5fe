"""What every object store must be able to do; each option runs this against its stand-in."""

import asyncio
from pathlib import Path

import fsspec
import pytest

from engine.core.errors import StorageError
from engine.core.object_store import SCHEME
from engine.core.storage import Storage

from .store_checks import StoreChecks

BUCKET = "models"
NOWHERE = "http://127.0.0.1:9"


class ObjectStoreChecks(StoreChecks):
    """A subclass in a test file needs a fixture `server`, the address of a running stand-in."""

    def told(self, address: str) -> dict[str, str]:
        """What the environment says where the server is at this address."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
        """An empty folder of the bucket."""
        for name, value in self.told(server).items():
            monkeypatch.setenv(name, value)
        fsspec.get_filesystem_class(SCHEME).clear_instance_cache()
        place = Storage(f"{SCHEME}://{BUCKET}/{tmp_path.name}")
        if not place.fs.exists(BUCKET):
            place.fs.mkdir(BUCKET)
        return place

    @pytest.mark.usefixtures("place")
    def test_a_missing_bucket_is_one_line(self) -> None:
        with pytest.raises(StorageError, match=rf"cannot write {SCHEME}://no-such.*bucket") as said:
            Storage(f"{SCHEME}://no-such-bucket/models").check()

        assert "\n" not in str(said.value)

    @pytest.mark.parametrize("step", ["exists", "write", "create"])
    def test_a_server_that_does_not_answer_is_one_line(
        self,
        place: Storage,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        step: str,
    ) -> None:
        for name, value in self.told(NOWHERE).items():
            monkeypatch.setenv(name, value)
        place.fs.clear_instance_cache()
        wait = asyncio.sleep  # some try again for half a minute
        monkeypatch.setattr(asyncio, "sleep", lambda *_: wait(0))

        with pytest.raises(StorageError, match=f"cannot .* {place.url}/name: ") as said:
            getattr(Storage(place.url), step)("name", *[b""] * (step != "exists"))

        assert "\n" not in str(said.value)
        assert not [each for each in caplog.records if each.exc_info]  # it would be said twice
