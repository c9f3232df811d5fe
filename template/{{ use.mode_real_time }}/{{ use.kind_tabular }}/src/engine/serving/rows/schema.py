"""Rows and answers as JSON schemas, derived from the contract."""

import msgspec

from engine.contract.schema import Column, Contract
from engine.contract.types import column_type
from engine.serving.openapi import closed
from engine.serving.protocol import Json
from engine.serving.rows.request import Decoder


def body_schema(decode: Decoder, contract: Contract) -> Json:
    """The schema of a body: exactly what `decode` accepts."""
    row = closed(
        {name: column_schema(column) for name, column in decode.columns.items()},
        optional=decode.optional,
    )
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": decode.most_rows}
    return {"description": contract.dataset.description, **closed({decode.plural: rows})}


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
            "probabilities": closed(dict.fromkeys(contract.classes, share)),
        }
    if contract.tables:
        state = {"enum": ["fresh", "stale", "missing", "failed"]}
        answer["features"] = closed(dict.fromkeys(contract.tables, state))
    answer["explanation"] = explanation_schema(contract)
    prediction = closed(
        {"id": {"type": "string"}, **answer, "fallback": {"type": "boolean"}},
        optional=frozenset({"explanation"}),
    )
    return closed(
        {
            "model_version": {"type": "integer"},
            "run_id": {"type": "string"},
            "predictions": {"type": "array", "items": prediction, "minItems": 1},
        }
    )


def explanation_schema(contract: Contract) -> Json:
    """The schema of what moved a prediction; there with explain=true, unless it is a fallback."""
    known = [name for name in contract.features if name not in contract.personal]
    change = closed(
        {
            "feature": {"enum": known},
            "value": {"description": "What the request said"},
            "typical": {"description": "The middle or most frequent value in the training rows"},
            "change": {
                "type": "number",
                "description": "What the model answers, minus what it answers with the typical "
                "value in this place: a probability, or in units of the target",
            },
        }
    )
    of = {"of": {"enum": list(contract.classes)}} if contract.classes else {}
    return closed({**of, "changes": {"type": "array", "items": change}})
