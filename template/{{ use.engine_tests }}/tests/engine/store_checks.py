"""What every place for models must be able to do; each option runs this against its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.core.errors import BundleError
from engine.core.storage import Storage
from engine.registry.registry import Registry, version_folder

from . import small_bundle


class StoreChecks:
    """A subclass in a test file needs a fixture `place`: an empty folder of the store."""

    def test_versions_are_registered_promoted_loaded_and_rolled_back(
        self, place: Storage, tmp_path: Path
    ) -> None:
        books = Registry(place)
        for run_id in ("one", "two"):
            small_bundle.register(place, tmp_path, run_id)
            books.promote()

        assert small_bundle.content(books.load()[1]) == b"two"
        assert books.rollback() == 1
        assert small_bundle.content(Registry(Storage(place.url)).load()[1]) == b"one"
        assert [event.action for event in books.state().history][-1] == "rollback"

    def test_an_altered_bundle_never_becomes_champion(self, place: Storage, tmp_path: Path) -> None:
        small_bundle.register(place, tmp_path, "one")
        place.write(f"{version_folder('one')}/{small_bundle.PART}", b"altered")

        with pytest.raises(BundleError, match=f"{small_bundle.PART} was truncated or altered"):
            Registry(place).promote()

        assert Registry(place).state().champion is None

    def test_one_of_many_creates_a_file(self, place: Storage) -> None:
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda i: place.create("name", f"{i}".encode()), range(8)))

        assert won.count(True) == 1
        assert place.read("name") == f"{won.index(True)}".encode()
        assert not place.create("name", b"too late")
        assert place.read("name") == f"{won.index(True)}".encode()

    def test_folders_are_listed_and_copied(self, place: Storage, tmp_path: Path) -> None:
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
