"""Pinecone as the vector store: its own client against its published interface."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.settings import Settings
from engine.retrieval import nearest, stored, vector_store
from engine.retrieval.dense import Exact, Vectors
from engine.retrieval.nearest import NearestError

from .published import Call, Description, Refused, ServedChecks, Service
from .vector_checks import SIZE, rows

DESCRIPTION = Description(Path(__file__).parent / "pinecone.json")
DIMENSION = SIZE + 2  # of the index; shorter vectors are padded


class Server(Service):
    """An index in memory, whose counts lag behind."""

    header = "api-key"

    def __init__(self) -> None:
        super().__init__(DESCRIPTION)
        self.spaces: dict[str, dict[str, list[float]]] = {}
        self.metric, self.lag = "cosine", 0

    def answer(self, call: Call) -> Any:
        body = call.body or {}
        space = self.spaces.get(body.get("namespace", ""), {})
        match call.path:
            case "/describe_index_stats":
                self.lag -= 1
                late = max(self.lag, 0)
                counts = {name: {"vectorCount": len(v) - late} for name, v in self.spaces.items()}
                return {"namespaces": counts, "dimension": DIMENSION, "metric": self.metric}
            case "/vectors/upsert":
                written = {vector["id"]: vector["values"] for vector in body["vectors"]}
                if {*map(len, written.values())} != {DIMENSION}:
                    raise Refused(400, "Vector dimension does not match")
                if not all(map(any, written.values())):
                    raise Refused(400, "Dense vectors must contain at least one non-zero value")
                self.spaces.setdefault(body["namespace"], {}).update(written)
                return {"upsertedCount": len(written)}
            case "/query":
                vectors = np.array([*space.values()], np.float32).reshape(-1, DIMENSION)
                near = Exact(vectors).search(np.array(body["vector"], np.float32), body["topK"])
                ids = [*space]
                found = [
                    {"id": ids[row - 1], "score": cosine, "values": []} for row, cosine in near
                ]
                return {"matches": found, "namespace": body["namespace"], "usage": {"readUnits": 1}}
            case "/namespaces":
                return {"namespaces": [{"name": name} for name in self.spaces]}
        if self.spaces.pop(call.names["namespace"], None) is None:
            raise Refused(404, "Namespace not found")
        return {}


class TestPinecone(ServedChecks):
    """The checks of every vector store, and what only Pinecone does."""

    service, no_addresses = Server, ("index",)

    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look at the counts again at once."""
        monkeypatch.setattr(vector_store, "LOOK_SECONDS", 0.01)

    def half(self, name: str, vectors: Vectors) -> None:
        numbers, found = stored.stored_rows(vectors)
        padded = np.pad(found[:7], [(0, 0), (0, DIMENSION - SIZE)])
        self.server.spaces[name] = {
            str(n): v.tolist() for n, v in zip(numbers[:7], padded, strict=True)
        }

    def test_filling_waits_until_all_are_counted(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = rows(30)
        self.server.lag = 4
        nearest.opened(made, settings).fill()
        assert self.server.lag <= 0

        self.server.lag = 9
        monkeypatch.setattr(vector_store, "LAG_SECONDS", 0.0)
        with pytest.raises(NearestError, match="does not count all vectors yet"):
            nearest.opened(rows(30, seed=9), settings).fill()
        self.server.lag = 0

    def test_many_vectors_are_sent_in_several_requests(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            vector_store, "REQUEST_BYTES", vector_store.NUMBER_BYTES * DIMENSION * 7
        )
        made = rows(30)

        assert nearest.opened(made, settings).search(made[-1], 1)[0][0] == 30

    def test_an_index_that_does_not_fit_is_named(self, settings: Settings) -> None:
        longer = np.eye(DIMENSION + 1, dtype=np.float32)
        with pytest.raises(NearestError, match="vectors of 10 numbers, and these have 11"):
            nearest.opened(longer, settings).fill()

        self.server.metric = "euclidean"
        with pytest.raises(NearestError, match="compares by euclidean: make one by cosine"):
            nearest.opened(rows(4), settings).fill()
        self.server.metric = "cosine"
