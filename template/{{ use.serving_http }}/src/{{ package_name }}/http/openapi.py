"""The exact OpenAPI 3.1 description of the server, derived from the contract."""

from typing import Any

import msgspec

from .. import examples
from ..column_types import column_type
from ..contract import Column, Contract
from ..predictor import Predictor
from ..request import Decoder

Json = dict[str, Any]

WRONG = {
    "400": "The body is not JSON",
    "408": "The body took too long to arrive",
    "413": "The body is too large",
    "415": "The body is not declared as JSON",
    "422": "A value is not what the contract allows",
}
BUSY = {"503": "No model answers or too many rows are waiting; see Retry-After"}
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


def document(
    version: int,
    predictor: Predictor,
    outcomes: Decoder,
    *,
    has_key: bool,
    keys: dict[str, str] | None = None,
) -> Json:
    """The OpenAPI document for one version of the model; `keys` are entities worth an example."""
    contract = predictor.contract
    key = KEY if has_key else {}
    rows = {"rows": examples.requests(contract, keys=keys)}
    label = contract.classes[-1] if contract.classes else 1.5
    reports = {"outcomes": [{"id": "0" * 32, "outcome": label}]}
    operations = {
        "/v1/predict": {
            "post": {
                "operationId": "predict",
                "summary": "Answer one or many rows",
                "requestBody": _content("PredictRequest", rows, required=True),
                "responses": {
                    "200": {"description": "An answer per row", **_content("PredictResponse")},
                    **_problems(WRONG | BUSY | key),
                },
            }
        },
        "/v1/outcomes": {
            "post": {
                "operationId": "reportOutcomes",
                "summary": "Report what became of predictions",
                "requestBody": _content("OutcomesRequest", reports, required=True),
                "responses": {
                    "202": {"description": "Noted", **_content("OutcomesResponse")},
                    **_problems(WRONG | BUSY | key),
                },
            }
        },
        "/v1/model": _get("aboutModel", "Which model answers", BUSY | key),
        "/health/live": _get("isAlive", "Whether the process works", BUSY),
        "/health/ready": _get("isReady", "Whether requests should be sent here", BUSY),
        "/openapi.json": _get("describe", "This document", BUSY),
        "/metrics": _get("metrics", "Metrics for Prometheus", kind="text/plain"),
    }
    components: Json = {
        "schemas": {
            "PredictRequest": body_schema(predictor.decode, contract),
            "PredictResponse": response_schema(contract),
            "OutcomesRequest": body_schema(outcomes, contract),
            "OutcomesResponse": _object({"accepted": {"type": "integer"}}),
            "Problem": PROBLEM,
        }
    }
    if has_key:
        components["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        }
        for path, methods in operations.items():
            if path.startswith("/v1/"):
                methods[next(iter(methods))]["security"] = [{"key": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Prediction of {contract.dataset.target}",
            "description": contract.dataset.description,
            "version": str(version),
        },
        "paths": operations,
        "components": components,
    }


def body_schema(decode: Decoder, contract: Contract) -> Json:
    """The schema of a body: exactly what `decode` accepts."""
    row = _object(
        {name: column_schema(column) for name, column in decode.columns.items()},
        optional=decode.optional,
    )
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": decode.most_rows}
    return {"description": contract.dataset.description, **_object({decode.plural: rows})}


def column_schema(column: Column) -> Json:
    """The schema of one value, with what the contract says about it."""
    schema: Json = msgspec.json.schema(column_type(column))
    for part in schema.get("anyOf", [schema]):
        if part.pop("multipleOf", None):
            part["type"] = "integer"
        if "enum" in part:
            part["enum"] = list(column.values)  # in the contract's order, not sorted
    words = " ".join(filter(None, [column.description, column.unit and f"in {column.unit}"]))
    return {**schema, "description": words} if words else schema


def response_schema(contract: Contract) -> Json:
    """The schema of an answer: a class with its probabilities, or a value."""
    share = {"type": "number", "minimum": 0, "maximum": 1}
    answer: Json = {"value": {"type": "number"}}
    if contract.classes:
        answer = {
            "label": {"enum": list(contract.classes)},
            "probabilities": _object(dict.fromkeys(contract.classes, share)),
        }
    if contract.tables:
        state = {"enum": ["fresh", "stale", "missing", "failed"]}
        answer["features"] = _object(dict.fromkeys(contract.tables, state))
    prediction = _object({"id": {"type": "string"}, **answer, "fallback": {"type": "boolean"}})
    return _object(
        {
            "model_version": {"type": "integer"},
            "run_id": {"type": "string"},
            "predictions": {"type": "array", "items": prediction, "minItems": 1},
        }
    )


def _object(properties: Json, optional: frozenset[str] = frozenset()) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _content(schema: str, example: Any = None, **more: Any) -> Json:
    media: Json = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    if example is not None:
        media["examples"] = {"example": {"value": example}}
    return {**more, "content": {"application/json": media}}


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
