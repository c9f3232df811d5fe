"""What is known of an entity now: the latest materialized values, in the server's memory.

Every option offers OnlineStore and example_keys. This one reads a SQLite file out of the artifact
store and needs no package and no other process.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Self

import msgspec

from engine.core.errors import StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.features import protocol
from engine.features.lookup import Found

FOLDER, POINTER = "features", "online.json"
WAY_OUT = "materialize them with: python3 run.py materialize"


class Pointer(msgspec.Struct, frozen=True):
    """Which file holds the values, and up to when they were known."""

    file: str
    until: datetime
    examples: dict[str, str] = {}
    """An entity of each kind that has values, by its column."""

    @classmethod
    def read(cls, storage: Storage) -> Self | None:
        """Which values were materialized last; None when none were."""
        if not storage.exists(f"{FOLDER}/{POINTER}"):
            return None
        return msgspec.json.decode(storage.read(f"{FOLDER}/{POINTER}"), type=cls)


class OnlineStore(protocol.OnlineStore):
    """Latest values by table and key; `refresh` first, and again to see newer ones."""

    def __init__(self, settings: Settings) -> None:
        self._storage = Storage(settings.store)
        self._pointer: Pointer | None = None
        self._database: sqlite3.Connection | None = None

    @property
    def examples(self) -> dict[str, str]:
        """An entity of each kind that has values, by its column."""
        return self._pointer.examples if self._pointer else {}

    def refresh(self) -> str:
        """Take over what was materialized since; what is wrong, or nothing."""
        try:
            found = Pointer.read(self._storage)
            if found is None:
                return f"no feature values are there yet; {WAY_OUT}"
            if found != self._pointer:
                database = sqlite3.connect(":memory:", check_same_thread=False)
                database.deserialize(self._storage.read(f"{FOLDER}/{found.file}"))
                database.execute("SELECT count(*) FROM latest")
                self._pointer, self._database = found, database
        except (StorageError, msgspec.DecodeError, sqlite3.Error) as error:
            return f"the feature values cannot be read ({error}); {WAY_OUT}"
        return ""

    async def find(self, table: str, keys: Sequence[str], _entity: str) -> list[Found | None]:
        """The values of each key, None where there are none."""
        if self._database is None:
            raise StorageError(f"no feature values are there yet; {WAY_OUT}")
        query = "SELECT since, content FROM latest WHERE name = ? AND key = ?"
        rows = [self._database.execute(query, (table, key)).fetchone() for key in keys]
        return [row and Found(row[0], msgspec.json.decode(row[1])) for row in rows]

    def close(self) -> None:
        """Nothing runs beside this server."""


def example_keys(settings: Settings) -> dict[str, str]:
    """An entity of each kind that has values, by its column: for a request worth showing."""
    found = Pointer.read(Storage(settings.store))
    return found.examples if found else {}
