"""The request model, derived from the contract: decode fast, explain fully what is wrong."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec

from engine.contract.schema import Column
from engine.contract.types import column_type, fits, rule
from engine.core.errors import Problem, RequestError

SHOWN = 80  # characters of a faulty value that are given back


def parse(body: bytes) -> Any:
    """Parse JSON in UTF-8 in which no key is given twice.

    NaN and infinity, which are no JSON, come through as floats, so that their column can be named.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        problem = Problem("json", f"the body is not valid JSON in UTF-8: {reason}")
        raise RequestError([problem], malformed=True) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = shown(next(name for name in names if names.count(name) > 1))
        detail = f"the key {twice!r} is given twice in one object"
        raise RequestError([Problem("duplicate key", detail, column=twice)], malformed=True)
    return found


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 400 else math.inf  # Python refuses far longer ones


def shown(value: Any) -> Any:
    """A faulty value as a message can hold it: short, finite, and free of broken characters."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace").decode()
        return value if len(value) <= SHOWN else value[:SHOWN] + "..."
    if isinstance(value, int) and abs(value) > 2**53:
        return "a whole number beyond 2^53"
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


MOST_PROBLEMS = 50  # a body with thousands of faults is explained well enough by the first ones


class Decoder:
    """Checks a body of the form `{"rows": [{column: value, ...}, ...]}` against typed columns.

    Every column must be in every row but those named in `optional`; a row comes out as a tuple
    whose values stand in the order of `columns`.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        most_rows: int = 1000,
        *,
        plural: str = "rows",
        optional: frozenset[str] = frozenset(),
    ) -> None:
        self.columns, self.optional = dict(columns), optional
        self.plural, self.most_rows = plural, most_rows
        self._types = {name: column_type(column) for name, column in columns.items()}
        kinds = ("category", "datetime", "text")
        self._texts = [i for i, column in enumerate(columns.values()) if column.type in kinds]
        self._alias = {name: f"f{i}" for i, name in enumerate(columns)}
        # JSON would have to escape such a name, and msgspec matches names only as they are sent.
        self._awkward = any(c in '"\\' or c < " " for name in columns for c in name)
        self._body = self._struct()
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(self._body).decode
        if self._awkward:
            self._decode = self._decode_awkward

    def __call__(self, body: bytes) -> list[tuple[Any, ...]]:
        """The rows of a body.

        Raises RequestError with one problem per fault: row, column, rule and value.
        """
        try:
            rows = getattr(self._decode(body), self.plural)
        except (msgspec.MsgspecError, RecursionError, UnicodeError, RequestError):
            raise self._explain(body) from None
        found = [msgspec.structs.astuple(row) for row in rows]
        if self.optional or self._may_repeat(body, found):
            parse(body)
        return found

    def _may_repeat(self, body: bytes, found: list[tuple[Any, ...]]) -> bool:
        """Whether a key may stand twice in an object of a body that was decoded.

        msgspec takes the last one silently, and a parser that looks costs three times as much. As
        every column must stand in every row, the body has at least two quotes for each of these
        keys and for each text that was found; a further key adds two. So the least number means
        that there is none.
        """
        texts = sum(row[i] is not None for row in found for i in self._texts)
        return body.count(b'"') != 2 * (1 + len(found) * len(self.columns) + texts)

    def _struct(self) -> Any:
        fields = [
            (alias, self._types[name], *([None] if name in self.optional else []))
            for name, alias in self._alias.items()
        ]
        names = None if self._awkward else {alias: name for name, alias in self._alias.items()}
        row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True)
        rows = Annotated[list[row], msgspec.Meta(min_length=1, max_length=self.most_rows)]  # type: ignore[valid-type]
        return msgspec.defstruct("Body", [(self.plural, rows)], forbid_unknown_fields=True)

    def _decode_awkward(self, body: bytes) -> Any:
        document = parse(body)
        rows = document.get(self.plural) if isinstance(document, dict) else None
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            renamed = [{self._alias.get(k, f"?{k}"): v for k, v in row.items()} for row in rows]
            document = {**document, self.plural: renamed}
        found = msgspec.convert(document, self._body)
        msgspec.json.encode(found)  # finds broken characters
        return found

    def _explain(self, body: bytes) -> RequestError:
        try:
            document = parse(body)
        except RequestError as error:
            return error
        if not isinstance(document, dict) or not isinstance(document.get(self.plural), list):
            return RequestError(
                [Problem("shape", f'the body must be {{"{self.plural}": [{{...}}, ...]}}')]
            )
        problems = [
            Problem(
                "unknown field", f"{key!r} is not a field of the body; it has only {self.plural}"
            )
            for key in map(shown, document.keys() - {self.plural})
        ]
        rows = document[self.plural]
        if not 1 <= len(rows) <= self.most_rows:
            asked = f"1 to {self.most_rows} {self.plural}"
            detail = f"a request holds {asked}, this one {len(rows)}"
            problems.append(Problem(asked, detail, value=len(rows)))
            rows = []
        for number, row in enumerate(rows):
            problems += self._row_problems(number, row)
            if len(problems) >= MOST_PROBLEMS:
                break
        if not problems:
            problems = [Problem("shape", "the body does not have the form the contract asks for")]
        return RequestError(problems[:MOST_PROBLEMS])

    def _row_problems(self, number: int, row: Any) -> list[Problem]:
        if not isinstance(row, dict):
            return [Problem("shape", f"row {number} must be an object", number, value=shown(row))]
        found = []
        for name in self.columns.keys() - row.keys() - self.optional:
            detail = f"row {number}: {name!r} is missing; every column must be given"
            found.append(Problem("required", detail, number, name))
        for name, value in row.items():
            if name not in self.columns:
                detail = f"row {number}: {shown(name)!r} is not a known column"
                found.append(Problem("unknown column", detail, number, shown(name)))
            elif not fits(value, self._types[name]):
                asked, given = rule(self.columns[name]), shown(value)
                detail = f"row {number}: {name!r} is {json.dumps(given)}; it must be {asked}"
                found.append(Problem(asked, detail, number, name, given))
        return sorted(found, key=lambda problem: str(problem.column))
