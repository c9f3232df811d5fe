"""The request model, derived from the contract: decode fast, explain fully when something is wrong."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from .contract import Column, Contract
from .errors import Problem, RequestError
from .features import Encoder

MOST_PROBLEMS = 50  # a body with thousands of faults is explained well enough by the first ones
SHOWN = 80  # characters of a faulty value that are given back


class Decoder:
    """Checks the body of a prediction request against the contract.

    A body is `{"rows": [{column: value, ...}, ...]}`: every feature in every row, null where the
    contract allows it to be missing.
    """

    def __init__(self, contract: Contract, most_rows: int = 1000) -> None:
        self.columns = contract.features
        self.order = Encoder(contract).order
        self.row = msgspec.defstruct(
            "Row",
            [(f"f{i}", column_type(self.columns[name])) for i, name in enumerate(self.order)],
            rename={f"f{i}": name for i, name in enumerate(self.order)},
            forbid_unknown_fields=True,
            frozen=True,
        )
        rows = Annotated[list[self.row], msgspec.Meta(min_length=1, max_length=most_rows)]  # type: ignore[name-defined]
        self.body = msgspec.defstruct("PredictRequest", [("rows", rows)], forbid_unknown_fields=True)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(self.body).decode
        self._most_rows = most_rows

    def __call__(self, body: bytes) -> list[tuple[Any, ...]]:
        """The rows of a body as tuples whose values stand in the encoder's order.

        Raises RequestError with one problem per fault: row, column, rule and value.
        """
        try:
            rows = self._decode(body).rows
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise self._explain(body) from None
        # Every key takes one colon, so this many colons leave no room for a key given twice.
        if body.count(b":") != len(rows) * len(self.order) + 1:
            _parse(body)
        return [msgspec.structs.astuple(row) for row in rows]

    def _explain(self, body: bytes) -> RequestError:
        try:
            document = _parse(body)
        except RequestError as error:
            return error
        problems: list[Problem] = []
        if not isinstance(document, dict) or not isinstance(document.get("rows"), list):
            return RequestError([Problem("shape", 'the body must be {"rows": [{...}, ...]}')])
        problems += [
            Problem("unknown field", f"{key!r} is not a field of the body; it has only 'rows'")
            for key in document.keys() - {"rows"}
        ]
        rows = document["rows"]
        if not 1 <= len(rows) <= self._most_rows:
            rule = f"a request holds 1 to {self._most_rows} rows"
            problems.append(Problem("row count", f"{rule}, this one {len(rows)}", value=len(rows)))
            return RequestError(problems)
        for number, row in enumerate(rows):
            problems += self._row_problems(number, row)
            if len(problems) >= MOST_PROBLEMS:
                break
        if not problems:
            problems = [Problem("shape", "the body does not have the form the contract asks for")]
        return RequestError(problems[:MOST_PROBLEMS])

    def _row_problems(self, number: int, row: Any) -> list[Problem]:
        if not isinstance(row, dict):
            return [Problem("shape", f"row {number} must be an object", number, value=_shown(row))]
        found = []
        for name in self.order:
            if name not in row:
                detail = f"row {number}: {name!r} is missing; every column must be given"
                found.append(Problem("required", detail, number, name))
                continue
            try:
                msgspec.convert(row[name], column_type(self.columns[name]))
            except (msgspec.ValidationError, RecursionError):
                value, wanted = _shown(row[name]), rule(self.columns[name])
                detail = f"row {number}: {name!r} is {json.dumps(value)}; it must be {wanted}"
                found.append(Problem(wanted, detail, number, name, value))
        for name in row.keys() - set(self.order):
            detail = f"row {number}: {_shown(name)!r} is not a column of the contract"
            found.append(Problem("unknown column", detail, number, _shown(name)))
        return found


def column_type(column: Column) -> Any:
    """The type that decodes a value of this column and enforces its range or its list of values."""
    kinds: dict[str, Any] = {"number": float, "integer": int, "boolean": bool, "datetime": datetime}
    kind = kinds.get(column.type, str)
    if column.type in ("number", "integer") and (column.min is not None or column.max is not None):
        bounds = {"ge": column.min, "le": column.max}
        if column.type == "integer":
            bounds = {key: None if b is None else int(b) for key, b in bounds.items()}
        kind = Annotated[kind, msgspec.Meta(**bounds)]
    if column.type == "category" and column.unknown == "refuse":
        kind = Literal[column.values]
    return kind | None if column.nullable else kind


def rule(column: Column) -> str:
    """What the contract asks of a value, in words."""
    words = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
    text = words.get(column.type, "a text")
    if column.type == "datetime":
        text = "a time such as 2026-01-31T12:00:00Z"
    if column.type == "category" and column.unknown == "refuse":
        shown = ", ".join(column.values[:12]) + (", ..." if len(column.values) > 12 else "")
        text = f"one of {shown}"
    if column.min is not None:
        text += f" from {column.min:g}"
    if column.max is not None:
        text += f" to {column.max:g}" if column.min is not None else f" up to {column.max:g}"
    return text + (" or null" if column.nullable else "")


def _parse(body: bytes) -> Any:
    """Parse strictly: no NaN, no infinity, no key given twice."""
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        problem = Problem("json", f"the body is not valid JSON: {reason}")
        raise RequestError([problem], malformed=True) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        detail = f"the key {_shown(twice)!r} is given twice in one object"
        raise RequestError([Problem("duplicate key", detail, column=_shown(twice))], malformed=True)
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _shown(value: Any) -> Any:
    """A faulty value, cut to what a message can hold."""
    if isinstance(value, dict | list):
        return f"{type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN] + "..."
    if isinstance(value, int) and abs(value) > 10**SHOWN:
        return "a number of more than 80 digits"
    return value if value == value and value not in (float("inf"), float("-inf")) else str(value)
