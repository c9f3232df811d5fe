"""What a value of a column may be: as a type that decodes it, and in words."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from engine.contract.schema import Column

LARGEST = 3.4e38  # a model sees 32-bit floats; what does not fit would arrive as infinity
LONGEST = 200  # characters of a free text, such as an id


def column_type(column: Column) -> Any:
    """The type that decodes a value of this column and enforces its range or its list of values."""
    time = Annotated[datetime, msgspec.Meta(tz=True)]  # without an offset it could be any hour
    kind: Any = {"boolean": bool, "datetime": time}.get(column.type, str)
    if column.type == "text":
        kind = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
    if column.type in ("number", "integer"):
        low, high = bounds(column)
        step = 1 if column.type == "integer" else None  # 3.0 is a whole number in JSON
        kind = Annotated[float, msgspec.Meta(ge=low, le=high, multiple_of=step)]
    if column.type == "category" and column.unknown == "refuse":
        kind = Literal[column.values]
    return kind | None if column.nullable else kind


def bounds(column: Column) -> tuple[float, float]:
    """The smallest and the largest number the column takes."""
    low = -LARGEST if column.min is None else column.min
    return low, LARGEST if column.max is None else column.max


def rule(column: Column) -> str:
    """What the contract asks of a value, in words."""
    words = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
    text = words.get(column.type, "a text")
    if column.type == "text":
        text = f"a text of 1 to {LONGEST} characters"
    if column.type == "datetime":
        text = "a time such as 2026-01-31T12:00:00Z"
    if column.type == "category" and column.unknown == "refuse":
        values = ", ".join(column.values[:12]) + (", ..." if len(column.values) > 12 else "")
        text = f"one of {values}"
    if column.type in ("number", "integer"):
        low, high = bounds(column)
        text += f" from {low:.15g} to {high:.15g}"
    return text + (" or null" if column.nullable else "")


def fits(value: Any, kind: Any) -> bool:
    """Whether a parsed value is one that the type decodes."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        msgspec.json.encode(msgspec.convert(value, kind))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return False
    return True
