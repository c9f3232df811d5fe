"""Qdrant as the vector store: its own client against its published interface, and in memory."""

import threading
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from engine.core.settings import Settings
from engine.retrieval import stored, vector_store
from engine.retrieval.dense import Exact, Vectors

from .published import KEY, Call, Description, Refused, ServedChecks, Service
from .vector_checks import rows

DESCRIPTION = Description(Path(__file__).parent / "qdrant.json")


class Server(Service):
    """Does what is asked with the search that comes with the client, in memory."""

    def __init__(self) -> None:
        super().__init__(DESCRIPTION)
        self.inside = QdrantClient(":memory:", force_disable_check_same_thread=True)
        self._turn = threading.Lock()

    def answer(self, call: Call) -> Any:
        with self._turn:
            return {"result": self._result(call), "status": "ok", "time": 0.001}

    def _result(self, call: Call) -> Any:
        name, body, inside = call.names.get("collection_name", ""), call.body, self.inside
        match call.method, call.path.removeprefix("/collections"):
            case "GET", "":
                return inside.get_collections().model_dump()
            case "GET", "/{collection_name}/exists":
                return {"exists": inside.collection_exists(name)}
            case "PUT", "/{collection_name}":
                if inside.collection_exists(name):
                    raise Refused(409, f"Collection `{name}` already exists!")
                form = models.VectorParams(**body["vectors"])
                return inside.create_collection(name, vectors_config=form)
            case "DELETE", _:
                return inside.delete_collection(name)
        if not inside.collection_exists(name):
            raise Refused(404, f"Collection `{name}` doesn't exist!")
        match call.path.rpartition("/")[2]:
            case "points":
                inside.upsert(name, models.Batch(**body["batch"]))
                return {"operation_id": 1, "status": "completed"}
            case "count":
                return {"count": inside.count(name, exact=body["exact"]).count}
        found = inside.query_points(name, query=body["query"]["nearest"], limit=body["limit"])
        return {"points": [point.model_dump() for point in found.points]}


class TestQdrant(ServedChecks):
    """The checks of every vector store, and what only Qdrant does."""

    service, no_addresses = Server, ("localhost:x:y",)

    def half(self, name: str, vectors: Vectors) -> None:
        numbers, found = stored.stored_rows(vectors)
        form = models.VectorParams(size=found.shape[1], distance=models.Distance.COSINE)
        self.server.inside.create_collection(name, vectors_config=form)
        some = models.Batch(ids=numbers[:7].tolist(), vectors=found[:7].tolist())
        self.server.inside.upsert(name, some)

    def test_the_effort_is_handed_on(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = list[Any]()
        real = self.server.answer

        def answer(call: Call) -> Any:
            seen.append(call.body)
            return real(call)

        monkeypatch.setattr(self.server, "answer", answer)
        there = vector_store.connect(settings.vector_url, KEY, 1.0, 77)
        there.fill("e", *stored.stored_rows(rows(5)))
        there.search("e", rows(5)[0], 3)

        assert seen[-1]["params"] == {"hnsw_ef": 77}


def test_the_client_in_memory_finds_what_exact_search_finds() -> None:
    made = rows(200)
    there = vector_store.Points(QdrantClient(":memory:"), 1.0, 100)

    for _ in range(2):  # the second finds them all there
        there.fill("own", *stored.stored_rows(made))

    found, right = there.search("own", made[8], 10), Exact(made).search(made[8], 10)
    assert [row for row, _ in found] == [row for row, _ in right]
    assert there.names() == ["own"]
    there.drop("own")
    assert there.names() == []
