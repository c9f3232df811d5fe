"""Qdrant, by its own client over REST: a collection of points for each version's vectors.

A point has the number of its passage, so several processes that fill a collection write the same
points; one that has all of them is whole.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from engine.retrieval.dense import Vectors
from engine.retrieval.nearest import Near, NearestError

BATCH = 500  # points of one request
FILL_SECONDS = 60  # that one such request may take
ASK_SECONDS = 5  # that a question about a collection may take
CONFLICT = 409
SAID = {
    401: "wants another key (APP_VECTOR_KEY)",
    403: "wants another key (APP_VECTOR_KEY)",
    404: "has lost a collection",
    429: "is asked too much (429)",
}
Given = TypeVar("Given")


def connect(url: str, key: str, seconds: float, effort: int) -> "Points":
    """The collections of the server at `url`; nothing is asked yet."""
    try:
        client = QdrantClient(
            url=url, port=None, api_key=key or None, timeout=ASK_SECONDS, check_compatibility=False
        )
    except ValueError as error:
        raise NearestError(f"the vector store has no address in vector_url ({error})") from None
    return Points(client, seconds, effort)


class Points:
    """Collections of points; any thread may use it."""

    def __init__(self, client: QdrantClient, seconds: float, effort: int) -> None:
        self._client, self._seconds = client, math.ceil(seconds)  # it takes no parts of one
        self._how = models.SearchParams(hnsw_ef=effort)

    def fill(self, name: str, numbers: NDArray[np.int64], vectors: Vectors) -> None:
        """Make a collection of points, if not all of them are there."""
        if not _asked(lambda: self._client.collection_exists(name)):
            form = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
            try:
                self._client.create_collection(name, form, timeout=FILL_SECONDS)
            except UnexpectedResponse as error:
                if error.status_code != CONFLICT:  # which says that another process was faster
                    raise _named(error) from None
            except (ApiException, QdrantException) as error:
                raise _named(error) from None
        if self._count(name) == len(numbers):
            return
        for start in range(0, len(numbers), BATCH):
            some = slice(start, start + BATCH)
            points = models.Batch(ids=numbers[some].tolist(), vectors=vectors[some].tolist())
            _asked(partial(self._client.upsert, name, points, timeout=FILL_SECONDS))
        if self._count(name) != len(numbers):
            raise NearestError("the vector store did not keep all vectors")

    def search(self, name: str, vector: Vectors, limit: int) -> Near:
        """The nearest points, by cosine."""
        found = _asked(
            lambda: self._client.query_points(
                name,
                query=vector.tolist(),
                limit=limit,
                search_params=self._how,
                with_payload=False,
                timeout=self._seconds,
            )
        )
        return [(int(point.id), float(point.score)) for point in found.points]

    def names(self) -> list[str]:
        """The names of all collections that this key may see."""
        found = _asked(self._client.get_collections)
        return sorted(each.name for each in found.collections)

    def drop(self, name: str) -> None:
        """Delete a collection."""
        _asked(lambda: self._client.delete_collection(name))

    def _count(self, name: str) -> int:
        return int(_asked(lambda: self._client.count(name, exact=True)).count)


def _asked(call: Callable[[], Given]) -> Given:
    try:
        return call()
    except (ApiException, QdrantException) as error:
        raise _named(error) from None


def _named(error: Exception) -> NearestError:
    """What went wrong, without an address: callers may read it."""
    if isinstance(error, UnexpectedResponse):
        said = SAID.get(error.status_code or 0, f"answered {error.status_code}")
        return NearestError(f"the vector store {said}")
    source = getattr(error, "source", error)
    if isinstance(source, httpx.TimeoutException):
        return NearestError("the vector store did not answer within vector_ms")
    return NearestError(f"the vector store cannot be reached ({type(source).__name__})")
