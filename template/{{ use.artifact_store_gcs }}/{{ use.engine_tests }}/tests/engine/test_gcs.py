"""The store in Google Cloud Storage: the same registry and bundles, against a stand-in."""

from collections.abc import Iterator

import pytest

from engine.core.storage import Storage

from . import cloud_storage
from .object_store_checks import ObjectStoreChecks


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running stand-in."""
    with cloud_storage.running() as address:
        yield address


class TestStore(ObjectStoreChecks):
    """The registry and the bundles, and which calls are made."""

    def told(self, address: str) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": address}

    def test_no_further_calls_find_out_the_kind_of_bucket(self, place: Storage) -> None:
        assert type(place.fs).__module__ == "gcsfs.core"
