"""JSON from strangers: parsed strictly, and quoted back without harm."""

import json
import math
from typing import Any

from .errors import Problem, RequestError

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
