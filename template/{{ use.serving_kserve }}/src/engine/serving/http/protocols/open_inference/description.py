"""The paths of the protocol as OpenAPI has them, for the contract of the model that answers.

What a JSON schema cannot say: that all tensors have as many rows, and which values a column takes.
The rules of the columns stand at the path of the model.
"""

from collections.abc import Sequence
from typing import Any

from engine.contract.schema import Contract
from engine.serving.openapi import closed
from engine.serving.rows import open_inference

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
YES: Json = {"type": "boolean"}
MORE: Json = {"type": "object"}
SHAPE: Json = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}
ELEMENTS: Json = {"type": "array", "description": "row after row; in binary they stand behind"}
BUSY = {"503": "No model answers or too many rows are waiting; see Retry-After"}
KEY = {"401": "The API key is missing or wrong"}
WRONG = {
    "400": "The tensors are not what the contract allows",
    "408": "The body took too long to arrive",
    "413": "The body is too large",
    "415": "The body is declared as something else",
}


def operations(
    contract: Contract, name: str, version: int, rows: Sequence[Json], *, has_key: bool
) -> dict[str, dict[str, Json]]:
    """Every operation by path and method; `rows` are an example of a request of /v1/predict."""
    key = KEY if has_key else {}
    found = {
        "/v2": _get("aboutServer", "What answers here, by the Open Inference Protocol", "Server"),
        "/v2/health/live": _get("liveV2", "Whether the process works", "Live", BUSY),
        "/v2/health/ready": _get("readyV2", "Whether requests should be sent here", "Ready", BUSY),
    }
    example = {"inputs": tensors(contract, rows)}
    model = f"/v2/models/{name}"
    for place, of in ((model, ""), (f"{model}/versions/{version}", "Version")):
        found |= {
            place: _get(f"tensors{of}", "Which tensors it takes and gives", "Model", BUSY | key),
            f"{place}/ready": _get(f"ready{of}", "Whether it answers", "ModelReady", BUSY | key),
            f"{place}/infer": _post(f"infer{of}", example, WRONG | BUSY | key),
        }
    return found


def schemas(contract: Contract) -> Json:
    """The schemas that the operations name."""
    given, said = open_inference.inputs(contract), open_inference.outputs(contract)
    explained = [*said, {"name": "explanation"}]
    columns = [each["name"] for each in given]
    kinds = sorted(set().union(*open_inference.TAKEN.values()))
    tensor = {"datatype": {"enum": kinds}, "shape": SHAPE, "data": ELEMENTS, "parameters": MORE}
    left_out = frozenset({"data", "parameters"})
    known: Json = {**TEXT, "enum": columns, "description": "the column; its rule: the model's path"}
    named: Json = {**TEXT, "enum": [each["name"] for each in explained]}
    wanted = _open({"name": named, "parameters": MORE}, frozenset({"parameters"}))
    inputs = {
        "type": "array",
        "items": _open({"name": known, **tensor}, left_out),
        "minItems": len(columns),
        "maxItems": len(columns),
        "description": "one tensor for each column, all with as many rows",
    }
    outputs = {"type": "array", "items": _open({"name": named, **tensor}, left_out)}
    many: Json = {"type": "array", "items": MORE}
    request = {
        "inputs": inputs,
        "outputs": {"type": "array", "items": wanted, "description": "by default all"},
        "id": {**TEXT, "description": "comes back with the answer"},
        "parameters": MORE,
    }
    answer = {"model_name": TEXT, "model_version": TEXT, "id": TEXT, "parameters": MORE}
    about = {"name": TEXT, "versions": {"type": "array", "items": TEXT}, "platform": TEXT}
    return {
        "TensorsRequest": _open(request, frozenset({"outputs", "id", "parameters"})),
        "TensorsAnswer": closed({**answer, "outputs": outputs}, frozenset({"id"})),
        "TensorsError": closed({"error": TEXT, "problems": many}, frozenset({"problems"})),
        "TensorsServer": closed(
            {"name": TEXT, "version": TEXT, "extensions": {"type": "array", "items": TEXT}}
        ),
        "TensorsModel": closed({**about, "inputs": many, "outputs": many, "properties": MORE}),
        "TensorsLive": closed({"live": YES}),
        "TensorsReady": closed({"ready": YES}),
        "TensorsModelReady": closed({"name": TEXT, "ready": YES}),
    }


def tensors(contract: Contract, rows: Sequence[Json]) -> list[Json]:
    """Rows of /v1/predict as the inputs of a request in JSON."""
    found = []
    for each in open_inference.inputs(contract):
        data = [row[each["name"]] for row in rows]
        if each["datatype"] == "FP64":  # that may be missing: a truth value is a number there
            data = [float(value) if isinstance(value, bool) else value for value in data]
        shape = [len(rows), 1]
        kind = each["datatype"]
        found.append({"name": each["name"], "datatype": kind, "shape": shape, "data": data})
    return found


def _open(properties: Json, optional: frozenset[str]) -> Json:
    """An object that may hold more: fields that are not known are not looked at."""
    return {**closed(properties, optional), "additionalProperties": True}


def _media(schema: str) -> Json:
    return {"schema": {"$ref": f"#/components/schemas/Tensors{schema}"}}


def _refused(causes: dict[str, str]) -> Json:
    content = {"application/json": _media("Error")}
    return {code: {"description": text, "content": content} for code, text in causes.items()}


def _get(name: str, summary: str, schema: str, causes: dict[str, str] | None = None) -> Json:
    answer = {"description": summary, "content": {"application/json": _media(schema)}}
    responses = {"200": answer, **_refused(causes or {})}
    return {"get": {"operationId": name, "summary": summary, "responses": responses}}


def _post(name: str, example: Json, causes: dict[str, str]) -> Json:
    bytes_: Json = {"application/octet-stream": {"schema": {**TEXT, "format": "binary"}}}
    asked = {**_media("Request"), "examples": {"example": {"value": example}}}
    answered = {"application/json": _media("Answer"), **bytes_}
    return {
        "post": {
            "operationId": name,
            "summary": "Predictions for rows that come as tensors, one for each column",
            "requestBody": {"required": True, "content": {**bytes_, "application/json": asked}},
            "responses": {
                "200": {
                    "description": "A tensor for each part of the answers",
                    "content": answered,
                },
                **_refused(causes),
            },
        }
    }
