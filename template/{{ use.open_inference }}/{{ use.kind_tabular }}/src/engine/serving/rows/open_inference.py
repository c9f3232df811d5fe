"""Rows and answers as the tensors of the Open Inference Protocol (version 2).

One input tensor for each column that a request holds, named after it. A request becomes the body
that /v1/predict takes, so that checks, ids, log, fallback and messages are the very same.

Missing values: null in JSON. Bytes cannot say null, so there NaN is one, and the empty text; that
is why a number or boolean that may be missing is FP64. Only where the contract says nullable.

Protocol: https://github.com/kserve/open-inference-protocol, specification/protocol.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.contract.schema import Column, Contract
from engine.contract.types import rule
from engine.core.errors import Problem, RequestError

Json = dict[str, Any]

NUMPY = {
    "BOOL": "bool",
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}
"""The datatypes whose elements have one size, as numpy names them; BYTES has none."""
NUMBERS = frozenset(NUMPY) - {"BOOL"}
TAKEN = {
    **dict.fromkeys(("category", "datetime", "text"), frozenset({"BYTES"})),
    **dict.fromkeys(("number", "integer"), NUMBERS),
    "boolean": frozenset(NUMPY),
}
"""The datatypes that a request may use for a type of column; `datatype` gives the usual one."""
TRUTH: dict[float, Any] = {1: True, 0: False}
MOST_PROBLEMS = 50
INFINITY = 10**400


class Tensor(msgspec.Struct):
    """A tensor with its elements, row after row."""

    name: str
    datatype: str
    shape: Sequence[int]
    data: Any
    """A list as JSON has it, flat or one list for each row; or an array, whose texts are bytes."""


def inputs(contract: Contract) -> list[Json]:
    """What a request holds: name, datatype, shape and the contract's rule for each column.

    The shape [rows] is taken as well as [rows, 1].
    """
    return [
        {
            "name": name,
            "datatype": datatype(column),
            "shape": [-1, 1],
            "parameters": {"rule": rule(column)},
        }
        for name, column in contract.sent.items()
    ]


def outputs(contract: Contract) -> list[Json]:
    """What an answer holds; the classes are named, as JSON, in the order of the probabilities."""
    found = [_output("id", "BYTES")]
    if contract.classes:
        classes = msgspec.json.encode(contract.classes).decode()
        shares = _output("probabilities", "FP64", len(contract.classes))
        found += [_output("label", "BYTES"), {**shares, "parameters": {"classes": classes}}]
    else:
        found.append(_output("value", "FP64"))
    found.append(_output("fallback", "BOOL"))
    return found + [_output(f"features.{table}", "BYTES") for table in contract.tables]


def datatype(column: Column) -> str:
    """The datatype in which every value of a column can be sent as bytes."""
    if column.type in ("category", "datetime", "text"):
        return "BYTES"
    if column.nullable:
        return "FP64"
    return {"number": "FP64", "integer": "INT64", "boolean": "BOOL"}[column.type]


def body(tensors: Sequence[Tensor], contract: Contract, most_rows: int = 1000) -> bytes:
    """The body of /v1/predict that says what the tensors say; the server checks their values.

    Raises RequestError with one problem for each tensor that is unknown, missing, given twice or
    not in the form that its column asks for, and for more rows than a request may hold.
    """
    most = max((len(tensor.data) for tensor in tensors), default=0)
    if most > most_rows:
        asked = f"1 to {most_rows} rows"
        detail = f"a request holds {asked}, this one {most}"
        raise RequestError([Problem(asked, detail, value=most)])
    known = contract.sent
    problems = [*_misnamed([tensor.name for tensor in tensors], contract)]
    columns: dict[str, list[Any]] = {}
    for tensor in tensors:
        name = tensor.name
        if name in known:
            try:
                columns[name] = _values(tensor, known[name])
            except RequestError as error:
                problems += error.problems
    if len(set(map(len, columns.values()))) > 1:
        lengths = {name: len(values) for name, values in columns.items()}
        said = ", ".join(f"{name!r} {length}" for name, length in [*lengths.items()][:12])
        detail = f"input tensors must have as many rows as each other; these have: {said}"
        problems.append(Problem("as many rows in every tensor", detail))
    if problems:
        raise RequestError(problems[:MOST_PROBLEMS])
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    try:
        return msgspec.json.encode({"rows": rows})
    except (UnicodeEncodeError, OverflowError):  # the server's check of the values names them
        return json.dumps({"rows": rows}).encode()


def tensors(content: Mapping[str, Any], contract: Contract) -> list[Tensor]:
    """The content of an answer of /v1/predict as tensors of [rows, 1] or [rows, classes].

    With explain=true `explanation` comes last: what moved each answer, as JSON.
    """
    answers = content["predictions"]
    found = []
    for each in outputs(contract):
        name, width = each["name"], each["shape"][1]
        outer, _, inner = name.partition(".")
        data = [answer[outer] for answer in answers]
        if name == "probabilities":
            data = [share for shares in data for share in shares.values()]
        elif inner:
            data = [states[inner] for states in data]
        found.append(Tensor(name, each["datatype"], [len(answers), width], data))
    if answers and "explanation" in answers[0]:
        data = [msgspec.json.encode(answer["explanation"]).decode() for answer in answers]
        found.append(Tensor("explanation", "BYTES", [len(answers), 1], data))
    return found


def parameters(content: Mapping[str, Any]) -> Json:
    """What an answer of /v1/predict says beside the predictions."""
    return {"model_version": content["model_version"], "run_id": content["run_id"]}


def array(tensor: Tensor) -> NDArray[Any]:
    """A tensor as an array of its shape; texts are bytes in an array of objects."""
    if tensor.datatype == "BYTES":
        texts = [text if isinstance(text, bytes) else text.encode() for text in tensor.data]
        return np.array(texts, dtype=object).reshape(tensor.shape)
    return np.array(tensor.data, dtype=NUMPY[tensor.datatype]).reshape(tensor.shape)


def _output(name: str, kind: str, width: int = 1) -> Json:
    return {"name": name, "datatype": kind, "shape": [-1, width]}


def _misnamed(names: list[str], contract: Contract) -> list[Problem]:
    known = contract.sent
    if len(names) == len(known) and known.keys() == set(names):
        return []
    found = []
    for name in known.keys() - names:
        detail = f"input tensor {name!r} is missing; every column must be given"
        found.append(Problem("required", detail, column=name))
    for name in sorted(set(names)):
        shown = name[:80].encode("utf-8", "backslashreplace").decode()
        if name not in known:
            detail = f"input tensor {shown!r} is not a known column"
            found.append(Problem("unknown column", detail, column=shown))
        elif names.count(name) > 1:
            detail = f"input tensor {shown!r} is given {names.count(name)} times"
            found.append(Problem("each tensor once", detail, column=shown))
    return sorted(found, key=lambda problem: problem.detail)


def _values(tensor: Tensor, column: Column) -> list[Any]:
    """The values of a column as JSON has them; what they may be is not looked at."""
    _require_fitting(tensor, column)
    data = tensor.data
    if len(data) != tensor.shape[0]:
        raise _wrong(tensor, "as many elements as the shape says", f"holds {len(data)} elements")
    values: list[Any] = data if isinstance(data, list) else data.reshape(-1).tolist()
    kinds = set(map(type, values))
    if list in kinds:
        values = _flat(tensor)
        kinds = set(map(type, values))
    if float in kinds:
        values = [_as_json(value) if type(value) is float else value for value in values]
    if bytes in kinds:
        values = [_text(tensor, row, value) for row, value in enumerate(values)]
    if tensor.datatype == "BYTES":
        is_missing = column.nullable and "" not in column.values
        return [None if v == "" else v for v in values] if is_missing else values
    if column.type == "boolean" and tensor.datatype != "BOOL":
        return [TRUTH.get(v, v) if isinstance(v, int | float) else v for v in values]
    return values


def _require_fitting(tensor: Tensor, column: Column) -> None:
    shape = tensor.shape
    if tensor.datatype not in TAKEN[column.type]:
        usual = datatype(column)
        asked = "BYTES" if usual == "BYTES" else f"{usual} or another one of numbers"
        raise _wrong(tensor, f"the datatype {asked}", f"has the datatype {tensor.datatype!r:.40}")
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise _wrong(tensor, "the shape [rows] or [rows, 1]", f"has the shape {[*shape]!s:.40}")


def _flat(tensor: Tensor) -> list[Any]:
    if not all(isinstance(value, list) and len(value) == 1 for value in tensor.data):
        raise _wrong(tensor, "flat data, or a list of one for each row", "has lists in its data")
    return [value for [value] in tensor.data]


def _as_json(value: float) -> float | None:
    """NaN is a missing value; infinity, which JSON has not, a number that is read as one."""
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else INFINITY


def _text(tensor: Tensor, row: int, value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        detail = f"row {row}: {tensor.name!r} is {value[:20]!r}; it must be a text in UTF-8"
        raise RequestError([Problem("a text in UTF-8", detail, row, tensor.name)]) from None


def _wrong(tensor: Tensor, asked: str, found: str) -> RequestError:
    detail = f"input tensor {tensor.name!r} {found}; it must have {asked}"
    return RequestError([Problem(asked, detail, column=tensor.name)])
