"""Weaviate as the vector store: requests held to its published interface, queries to GraphQL."""

from pathlib import Path
from typing import Any

import graphql
import numpy as np
import pytest

from engine.core.settings import Settings
from engine.retrieval import nearest, stored
from engine.retrieval.dense import Exact, Vectors
from engine.retrieval.nearest import NearestError

from .published import KEY, Call, Description, Refused, ServedChecks, Service
from .vector_checks import rows

DESCRIPTION = Description(Path(__file__).parent / "weaviate.json")
# What Weaviate's documentation says of a collection, for one with the property `passage`.
QUERIES = """
input Near { vector: [Float], certainty: Float, distance: Float }
type Additional { id: ID, distance: Float, certainty: Float, vector: [Float] }
type Meta { count: Int }
type Found { passage: Int, _additional: Additional }
type Counted { meta: Meta }
type Get { GET }
type Aggregate { COUNTS }
type Query { Get: Get, Aggregate: Aggregate }
"""


class Server(Service):
    """Collections in memory."""

    header, key = "authorization", f"Bearer {KEY}"

    def __init__(self) -> None:
        super().__init__(DESCRIPTION)
        self.classes: dict[str, Any] = {}
        self.objects: dict[str, dict[str, Any]] = {}

    def answer(self, call: Call) -> Any:
        name = call.names.get("className", "")
        match call.method, call.path:
            case "GET", "/v1/schema":
                return {"classes": [*self.classes.values()]}
            case "POST", "/v1/schema":
                return self.create(call.body)
            case "POST", "/v1/batch/objects":
                return [self.write(each) for each in call.body["objects"]]
            case "POST", "/v1/graphql":
                return self.query(call.body["query"])
        if call.method == "DELETE":
            self.classes.pop(name, None)
            self.objects.pop(name, None)
            return {}
        if name not in self.classes:
            raise Refused(404, "not there")
        return self.classes[name]

    def create(self, body: Any) -> Any:
        """A new collection."""
        name = body["class"]
        if name in self.classes:
            raise Refused(422, f"class name {name} already exists")
        if not name[0].isupper():
            raise Refused(422, f"{name!r} is not a valid class name")
        self.objects[name] = {}
        self.classes[name] = body
        return body

    def write(self, each: Any) -> Any:
        """Write an object, over one of the same UUID."""
        self.objects[each["class"]][each["id"]] = each
        return {**each, "result": {"status": "SUCCESS"}}

    def query(self, text: str) -> Any:
        """What GraphQL answers; a fault is an answer as well."""
        if not self.classes:
            return {"errors": [{"message": "no graphql provider present"}]}
        arguments = "(limit: Int, offset: Int, nearVector: Near)"
        get = " ".join(f"{name}{arguments}: [Found]" for name in self.classes)
        counted = " ".join(f"{name}: [Counted]" for name in self.classes)
        schema = graphql.build_schema(QUERIES.replace("GET", get).replace("COUNTS", counted))
        root = {
            "Get": {name: self._getting(name) for name in self.classes},
            "Aggregate": {
                name: [{"meta": {"count": len(found)}}] for name, found in self.objects.items()
            },
        }
        done = graphql.graphql_sync(schema, text, root)
        if done.errors:
            return {"errors": [{"message": error.message} for error in done.errors]}
        return {"data": done.data}

    def _getting(self, name: str) -> Any:
        def found(_: Any, limit: int, nearVector: Any) -> Any:  # noqa: N803
            objects = [*self.objects[name].values()]
            vectors = np.array([each["vector"] for each in objects], np.float32)
            near = Exact(vectors).search(np.array(nearVector["vector"], np.float32), limit)
            return [
                {**objects[row - 1]["properties"], "_additional": {"distance": 1 - cosine}}
                for row, cosine in near
            ]

        return found


class TestWeaviate(ServedChecks):
    """The checks of every vector store, and what only Weaviate does."""

    service, no_addresses = Server, ("here", "http://", "http://here:x", "ftp://here")

    def half(self, name: str, vectors: Vectors) -> None:
        numbers, found = stored.stored_rows(vectors)
        stored.connected(self.reached).fill(name, numbers[:7], found[:7])

    def test_the_effort_is_set_where_a_collection_is_made(self, settings: Settings) -> None:
        made = rows(5)
        nearest.opened(made, settings).fill()
        name = stored.name_of(made, settings)

        config = self.server.classes[name[0].upper() + name[1:]]["vectorIndexConfig"]

        assert config == {"distance": "cosine", "ef": settings.vector_effort}

    def test_an_object_that_is_not_taken_is_noticed(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused = {"result": {"status": "FAILED", "errors": {"error": [{"message": "no room"}]}}}
        monkeypatch.setattr(self.server, "write", lambda each: {**each, **refused})

        with pytest.raises(NearestError, match="did not keep all vectors"):
            nearest.opened(rows(6, seed=3), settings).fill()
