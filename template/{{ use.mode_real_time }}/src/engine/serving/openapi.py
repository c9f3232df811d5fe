"""The exact OpenAPI 3.1 description of the server, for the model that answers."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.serving.protocol import Json, Operation, Paths, ServedModel

Beside = Callable[[ServedModel], tuple[dict[str, dict[str, Json]], Json]]
"""Operations by path and method, and the schemas that they name, of what is spoken beside."""

GUARDED = ("/v1/", "/v2/models/")  # with a key set, nobody is answered there without it

WRONG = {
    "400": "The body is not JSON",
    "408": "The body took too long to arrive",
    "413": "The body is too large",
    "415": "The body is not declared as JSON",
    "422": "A value is not what the contract allows",
}
BUSY = {"503": "Nothing can answer or too many are waiting; see Retry-After"}
KEY = {"401": "The API key is missing or wrong"}
PROBLEM: Json = {
    "type": "object",
    "description": "What is wrong (RFC 9457)",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "row": {"type": "integer"},
                    "column": {"type": "string"},
                    "rule": {"type": "string"},
                    "value": {},
                    "detail": {"type": "string"},
                },
                "required": ["rule", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


EXPLAIN: Json = {
    "name": "explain",
    "in": "query",
    "description": "Say for each answer of the model what moved it. Costs one more scoring for "
    "every feature, so that fewer may be sent at a time (explain_rows in settings.toml).",
    "schema": {"type": "boolean", "default": False},
}


def document(
    model: ServedModel, paths: Paths, *, has_key: bool, beside: Beside | None = None
) -> Json:
    """The OpenAPI document of a server for this model; `beside` gives more paths and schemas."""
    key = KEY if has_key else {}
    described = model.described()
    operations: dict[str, dict[str, Json]] = {
        paths.answer.path: _post(
            paths.answer, described.request, "200", key, [EXPLAIN] if model.probes else []
        ),
        paths.outcomes.path: _post(paths.outcomes, described.outcomes, "202", key),
        "/v1/model": _get("aboutModel", "Which model answers", BUSY | key),
        "/health/live": _get("isAlive", "Whether the process works", BUSY),
        "/health/ready": _get("isReady", "Whether requests should be sent here", BUSY),
        "/openapi.json": _get("describe", "This document", BUSY),
        "/metrics": _get("metrics", "Metrics for Prometheus", kind="text/plain"),
    }
    more, schemas = beside(model) if beside else ({}, {})
    operations |= more
    components: Json = {
        "schemas": {
            **described.schemas,
            paths.outcomes.response: closed({"accepted": {"type": "integer"}}),
            "Problem": PROBLEM,
            **schemas,
        }
    }
    if has_key:
        components["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        }
        for path, methods in operations.items():
            if path.startswith(GUARDED):
                methods[next(iter(methods))]["security"] = [{"key": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": described.title,
            "description": described.description,
            "version": str(model.version),
        },
        "paths": operations,
        "components": components,
    }


def closed(properties: Json, optional: frozenset[str] = frozenset()) -> Json:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _post(
    operation: Operation,
    example: Json,
    code: str,
    key: dict[str, str],
    parameters: Sequence[Json] = (),
) -> dict[str, Json]:
    return {
        "post": {
            "operationId": operation.name,
            "summary": operation.summary,
            **({"parameters": [*parameters]} if parameters else {}),
            "requestBody": _content(operation.request, example, required=True),
            "responses": {
                code: {"description": operation.done, **_answer(operation)},
                **_problems(WRONG | BUSY | key),
            },
        }
    }


def _content(schema: str, example: Any = None, **more: Any) -> Json:
    media: Json = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example is not None:
        media["examples"] = {"example": {"value": example}}
    return {**more, "content": {"application/json": media}}


def _answer(operation: Operation) -> Json:
    found = _content(operation.response)
    if operation.events:
        schema = {"type": "string", "description": operation.events}
        found["content"]["text/event-stream"] = {"schema": schema}
    return found


def _problems(causes: dict[str, str]) -> Json:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    content = {"application/problem+json": schema}
    return {code: {"description": text, "content": content} for code, text in causes.items()}


def _get(
    name: str, summary: str, causes: dict[str, str] | None = None, kind: str = "application/json"
) -> Json:
    schema = {"type": "object" if kind == "application/json" else "string"}
    answer = {"description": summary, "content": {kind: {"schema": schema}}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "responses": {"200": answer, **_problems(causes or {})},
        }
    }
