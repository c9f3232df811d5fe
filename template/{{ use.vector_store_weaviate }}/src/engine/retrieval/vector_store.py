"""Weaviate, by its REST interface and httpx: a collection of objects for each version's vectors.

An object's UUID is the number of its passage, so several processes that fill a collection write the
same objects; one that has all of them is whole.
"""

import uuid
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from engine.retrieval.dense import Vectors
from engine.retrieval.nearest import Near, NearestError

BATCH = 500  # objects of one request
ASK_SECONDS = 5.0
FILL_SECONDS = 60.0
KEYS = (401, 403)
COUNT = "{ Aggregate { %s { meta { count } } } }"
NEAR = "{ Get { %s(limit: %d, nearVector: {vector: [%s]}) { passage _additional { distance } } } }"


def connect(url: str, key: str, seconds: float, effort: int) -> "Objects":
    """The collections of the server at `url`; nothing is asked yet."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        client = httpx.Client(base_url=f"{url.rstrip('/')}/v1", headers=headers)
        found = client.base_url
    except (httpx.InvalidURL, ValueError):
        found = httpx.URL()
    if found.scheme not in ("http", "https") or not found.host:
        raise NearestError("the vector store has no address in vector_url: http://HOST:8080")
    return Objects(client, seconds, effort)


class Objects:
    """Collections of objects; any thread may use it."""

    def __init__(self, client: httpx.Client, seconds: float, effort: int) -> None:
        self._client, self._seconds, self._effort = client, seconds, effort

    def fill(self, name: str, numbers: NDArray[np.int64], vectors: Vectors) -> None:
        """Make a collection of objects, if not all of them are there."""
        if not self._is_there(name):
            self._create(name)
        if self._count(name) == len(numbers):
            return
        for start in range(0, len(numbers), BATCH):
            some = slice(start, start + BATCH)
            pairs = zip(numbers[some].tolist(), vectors[some].tolist(), strict=True)
            objects = [
                {
                    "class": _class(name),
                    "id": str(uuid.UUID(int=number)),
                    "properties": {"passage": number},
                    "vector": vector,
                }
                for number, vector in pairs
            ]
            self._ask("POST", "/batch/objects", {"objects": objects}, FILL_SECONDS)
        if self._count(name) != len(numbers):
            raise NearestError("the vector store did not keep all vectors")

    def search(self, name: str, vector: Vectors, limit: int) -> Near:
        """The nearest objects, by cosine."""
        query = NEAR % (_class(name), limit, ", ".join(map(str, vector.tolist())))
        found = self._graphql(query, self._seconds)["Get"][_class(name)]
        return [(int(o["passage"]), 1 - float(o["_additional"]["distance"])) for o in found]

    def names(self) -> list[str]:
        """The names of all collections that this key may see."""
        found = (self._ask("GET", "/schema") or {}).get("classes") or []
        return sorted(each["class"][:1].lower() + each["class"][1:] for each in found)

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self._ask("DELETE", f"/schema/{_class(name)}")

    def _is_there(self, name: str) -> bool:
        return self._ask("GET", f"/schema/{_class(name)}") is not None

    def _create(self, name: str) -> None:
        body = {
            "class": _class(name),
            "vectorizer": "none",
            "vectorIndexType": "hnsw",
            "vectorIndexConfig": {"distance": "cosine", "ef": self._effort},
            "properties": [{"name": "passage", "dataType": ["int"]}],
        }
        try:
            self._ask("POST", "/schema", body, FILL_SECONDS)
        except NearestError:
            if not self._is_there(name):  # no other process was faster
                raise

    def _count(self, name: str) -> int:
        [found] = self._graphql(COUNT % _class(name), ASK_SECONDS)["Aggregate"][_class(name)]
        return int(found["meta"]["count"])

    def _graphql(self, query: str, seconds: float) -> Any:
        found = self._ask("POST", "/graphql", {"query": query}, seconds)
        if not found or found.get("errors"):  # among them an unknown collection, with status 200
            raise NearestError("the vector store has lost a collection, or knows no such query")
        return found["data"]

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        seconds: float = ASK_SECONDS,
    ) -> Any:
        """The content of a good answer; None for one that says that there is no such thing."""
        try:
            reply = self._client.request(method, path, json=body, timeout=seconds)
            if reply.status_code == httpx.codes.NOT_FOUND:
                return None
            if reply.status_code in KEYS:
                raise NearestError("the vector store wants another key (APP_VECTOR_KEY)")
            if not reply.is_success:
                raise NearestError(f"the vector store answered {reply.status_code}")
            return reply.json() if reply.content else {}
        except httpx.TimeoutException:
            raise NearestError("the vector store did not answer within vector_ms") from None
        except httpx.HTTPError as error:
            name = type(error).__name__
            raise NearestError(f"the vector store cannot be reached ({name})") from None
        except ValueError:
            raise NearestError("the vector store answered with no JSON") from None


def _class(name: str) -> str:
    """As Weaviate wants it: a capital first."""
    return name[:1].upper() + name[1:]
