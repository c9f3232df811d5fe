"""The vectors of a version in a vector store: filled once, never searched half-filled.

The bundle stays the truth, and a store holds copies. A collection is named after what is in it, so
versions live side by side, two with the same vectors share one, and a rollback has nothing to do.
"""

import hashlib
import re
import threading
import time
import uuid
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.retrieval.dense import Exact, Vectors, dumped
from engine.retrieval.nearest import Near, NearestError
from engine.retrieval.vector_store import connect

OWNER = "vectors/owner"  # in the artifact store: whose collections these are
REST_SECONDS = 5.0  # that a store which failed is left alone, so that nobody waits for it in vain
DIGITS = 16  # of the hash of vectors.npy, in the name of its collection
SLUG = 28  # characters of the project in a name; PostgreSQL cuts names off after 63


class Collections(Protocol):
    """What `engine.retrieval.vector_store` gives for `connect(url, key, seconds, effort)`.

    A search may take `seconds`; every method raises NearestError in a few words, without a secret.
    """

    def fill(self, name: str, numbers: NDArray[np.int64], vectors: Vectors) -> None:
        """Make this collection whole, if it is not; several processes may do so at once."""

    def search(self, name: str, vector: Vectors, limit: int) -> Near:
        """The nearest of a whole collection."""

    def names(self) -> list[str]:
        """Every collection, of other projects too."""

    def drop(self, name: str) -> None:
        """Delete a collection; no complaint when it is gone already."""


class Stored:
    """The vectors of one version, in a collection of the store."""

    waits = True

    def __init__(self, settings: Settings, vectors: Vectors) -> None:
        self._settings, self._vectors = settings, vectors
        self._name, self._lock = "", threading.Lock()
        self._is_filled = False
        self._trouble, self._until = "", 0.0

    def fill(self) -> None:
        """Put the vectors into their collection, if they are not there.

        Raises NearestError.
        """
        with self._lock:
            if not self._is_filled:
                self._name = self._name or name_of(self._vectors, self._settings)
                connected(self._settings).fill(self._name, *stored_rows(self._vectors))
                self._is_filled = True

    def search(self, vector: Vectors, limit: int) -> Near:
        """The nearest passages; a question without a vector finds none.

        Raises NearestError, at once while a failure is fresh or another search fills the store.
        """
        if not vector.any():
            return []
        if time.monotonic() < self._until:
            raise NearestError(self._trouble)
        try:
            if not self._is_filled:
                if self._lock.locked():
                    raise NearestError("the vector store is being filled")
                self.fill()
            found = connected(self._settings).search(self._name, vector, limit)
            if not found and self._vectors.any():  # where an unknown name is no error
                raise NearestError("the vector store has lost a collection")
            return found
        except NearestError as error:
            # somebody may have dropped the collection: the next search looks before it asks
            self._is_filled = False
            self._trouble, self._until = str(error), time.monotonic() + REST_SECONDS
            raise

    def compared(self, asked: Sequence[Vectors], limit: int) -> dict[str, float]:
        """The share of what exact search finds for some vectors, and what a search takes.

        Raises NearestError.
        """
        self.fill()
        exact, shares, took = Exact(self._vectors), list[float](), list[float]()
        there = connected(self._settings)
        for vector in asked:
            start = time.perf_counter()
            found = there.search(self._name, vector, limit)
            took.append(time.perf_counter() - start)
            right = exact.search(vector, limit)
            shares.append(share(found, right))
        if not shares:
            return {}
        return {
            "vectors.recall": round(float(np.mean(shares)), 6),
            "vectors.p50_ms": round(float(np.percentile(took, 50)) * 1000, 3),
            "vectors.p99_ms": round(float(np.percentile(took, 99)) * 1000, 3),
        }


def share(found: Near, right: Near) -> float:
    """How much of `right` was found; as good as its last counts as right: ties have no order."""
    if not right:
        return 1.0
    last = right[-1][1] - 1e-5
    return min(1.0, sum(cosine >= last for _, cosine in found) / len(right))


def stored_rows(vectors: Vectors) -> tuple[NDArray[np.int64], Vectors]:
    """Numbers of passages, from 1, and their vectors; those of nothing but zeros have no cosine."""
    numbers = np.flatnonzero(vectors.any(axis=1))
    return numbers + 1, vectors[numbers]


def opened(vectors: Vectors, settings: Settings) -> Stored:
    """The vectors of one version, in the store of the settings; nothing is asked yet."""
    return Stored(settings, vectors)


def connected(settings: Settings) -> Collections:
    """The store of the settings; a process has one connection to it."""
    return _connected(
        settings.vector_url,
        settings.vector_key,
        settings.vector_ms / 1000,
        max(1, settings.vector_effort),
    )


_connected = cache(connect)


def name_of(vectors: Vectors, settings: Settings) -> str:
    """The name of the collection that holds these vectors."""
    return f"{prefix(settings)}{digest(dumped(vectors))}"


def digest(content: bytes) -> str:
    """What tells the vectors of one version from those of another."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def prefix(settings: Settings) -> str:
    """How the names of all collections of this project begin.

    Two projects of the same name, or two stages of one, have artifact stores of their own, and so
    collections of their own.
    """
    slug = re.sub("[^a-z0-9]+", "_", settings.name.lower()).strip("_")[:SLUG]
    return f"vectors_{slug}_{_owner(settings.store)}_"


@cache
def _owner(store: str) -> str:
    """A number that is drawn once for an artifact store and kept there."""
    storage = Storage(store)
    try:
        if not storage.exists(OWNER):
            storage.create(OWNER, uuid.uuid4().hex[:8].encode())
        found = storage.read(OWNER).decode()
    except StorageError as error:
        raise NearestError(
            f"whose collections are in the vector store cannot be read: {error}"
        ) from None
    if not re.fullmatch("[0-9a-f]{8}", found):
        raise NearestError(f"{store}/{OWNER} is {found[:20]!r}; it must be eight of 0-9 and a-f")
    return found
