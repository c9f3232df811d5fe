"""Pinecone, by its own client: a namespace of one index for each version's vectors.

The index is made once, by hand, and its host is vector_url. Its counts lag behind what was written,
so a namespace counts as whole once all vectors are counted, and filling waits for that.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pinecone import Index
from pinecone.errors import (
    ApiError,
    ForbiddenError,
    PineconeError,
    PineconeTimeoutError,
    PineconeValueError,
    UnauthorizedError,
)

from engine.retrieval.dense import Vectors
from engine.retrieval.nearest import Near, NearestError

REQUEST_BYTES = 1_500_000  # of the 2 MB that a request may have
NUMBER_BYTES = 24  # of one number, at most, in JSON
MOST_VECTORS = 500  # of the 1000 that a request may have
ASK_SECONDS = 5.0
FILL_SECONDS = 60.0  # that a request to fill may take
LAG_SECONDS = 120.0  # that counts may lag behind
LOOK_SECONDS = 1.0  # between two looks at the counts
COSINE = ("cosine", "dotproduct")  # the same for vectors of unit length
Given = TypeVar("Given")


def connect(url: str, key: str, seconds: float, effort: int) -> "Namespaces":
    """The namespaces of the index whose host is `url`; Pinecone sees to the effort itself."""
    del effort
    if not key:
        raise NearestError("the vector store wants a key (APP_VECTOR_KEY)")
    try:
        return Namespaces(Index(host=url, api_key=key, timeout=ASK_SECONDS), seconds)
    except PineconeValueError as error:
        raise NearestError(f"the vector store has no address in vector_url ({error})") from None


class Namespaces:
    """Collections as namespaces; any thread may use it."""

    def __init__(self, index: Index, seconds: float) -> None:
        self._index, self._seconds, self._size = index, seconds, 0

    def fill(self, name: str, numbers: NDArray[np.int64], vectors: Vectors) -> None:
        """Write vectors to a namespace, if not all of them are counted there."""
        if self._count(name) == len(numbers):
            return
        if vectors.shape[1] > self._size:
            raise NearestError(
                f"the index of the vector store holds vectors of {self._size} numbers, and these "
                f"have {vectors.shape[1]}: make an index with as many"
            )
        several = max(1, min(MOST_VECTORS, REQUEST_BYTES // (NUMBER_BYTES * self._size)))
        for start in range(0, len(numbers), several):
            some = slice(start, start + several)
            rows = [
                (str(number), self._padded(vector))
                for number, vector in zip(numbers[some], vectors[some], strict=True)
            ]
            _asked(partial(self._index.upsert, vectors=rows, namespace=name, timeout=FILL_SECONDS))
        end = time.monotonic() + LAG_SECONDS
        while self._count(name) != len(numbers):
            if time.monotonic() > end:
                raise NearestError("the vector store does not count all vectors yet")
            time.sleep(LOOK_SECONDS)

    def search(self, name: str, vector: Vectors, limit: int) -> Near:
        """The nearest vectors of a namespace, by cosine."""
        if not self._size:
            self._count(name)
        found = _asked(
            partial(
                self._index.query,
                top_k=limit,
                vector=self._padded(vector),
                namespace=name,
                timeout=self._seconds,
            )
        )
        return [(int(match.id), float(match.score)) for match in found.matches]

    def names(self) -> list[str]:
        """All namespaces of the index."""
        pages = _asked(lambda: [*self._index.list_namespaces()])
        return sorted(each.name for page in pages for each in page.namespaces)

    def drop(self, name: str) -> None:
        """Delete a namespace."""
        _asked(lambda: self._index.delete_namespace(name=name))

    def _count(self, name: str) -> int:
        """How many vectors a namespace has; learns the length of vectors on the way."""
        found = _asked(self._index.describe_index_stats)
        if found.metric and found.metric not in COSINE:
            raise NearestError(
                f"the index of the vector store compares by {found.metric}: make one by cosine"
            )
        self._size = found.dimension or 0
        return found.namespaces[name].vector_count if name in found.namespaces else 0

    def _padded(self, vector: Vectors) -> list[float]:
        """As long as the index has them; zeros at the end change no cosine."""
        return [*vector.tolist(), *[0.0] * (self._size - len(vector))]


def _asked(call: Callable[[], Given]) -> Given:
    try:
        return call()
    except (UnauthorizedError, ForbiddenError):
        raise NearestError("the vector store wants another key (APP_VECTOR_KEY)") from None
    except PineconeTimeoutError:
        raise NearestError("the vector store did not answer within vector_ms") from None
    except ApiError as error:
        raise NearestError(f"the vector store answered {error.status_code}") from None
    except PineconeError as error:
        said = type(error).__name__
        raise NearestError(f"the vector store cannot be reached ({said})") from None
