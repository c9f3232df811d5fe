"""Whether a file has the columns of the contract; nothing is written before that is clear."""

import difflib
from typing import Any

import pyarrow as pa

from engine.batch.input.file import InputFile
from engine.batch.input.parts import Layout
from engine.batch.input.reading import read
from engine.contract.schema import Column, Contract
from engine.contract.types import rule
from engine.core.errors import DataError
from engine.data.types import is_text, typed

LOOK = 1000  # rows of the first part
ENOUGH = 20  # values; of fewer, all may be wrong by chance


def require(file: InputFile, layout: Layout, contract: Contract) -> None:
    """Hold the columns of a file against the contract.

    Raises DataError for no rows, for a missing or renamed column, and for one of another type.
    """
    asked = contract.sent
    absent = [name for name in asked if name not in layout.names]
    if absent:
        raise DataError(f"{file.url} {_missing(absent, layout.names)}. Nothing was written")
    if not layout.rows:
        raise DataError(f"{file.url} has columns but no rows. Nothing was written")
    batch = next(iter(read(file, layout, layout.parts[0], list(asked), contract.dataset))).rows
    for name, column in asked.items() if batch.num_rows else ():
        odd = _odd(batch.column(name).slice(0, LOOK), column, contract)
        if odd is not None:
            shown = "no such values" if name in contract.personal else odd
            raise DataError(
                f"{file.url}: column {name!r} has another type than the contract says: it holds "
                f"{shown}; it must be {rule(column)}. Nothing was written"
            )


def _missing(absent: list[str], names: tuple[str, ...]) -> str:
    words = f"has no column {', '.join(map(repr, absent))}; it has {', '.join(map(repr, names))}"
    near = {name: difflib.get_close_matches(name, names, 1) for name in absent}
    renamed = [f"{found[0]!r} to {name!r}" for name, found in near.items() if found]
    return f"{words}. Was a column renamed? Rename {', '.join(renamed)}" if renamed else words


def _odd(raw: Any, column: Column, contract: Contract) -> str | None:
    """What a column holds instead of what the contract says, if it does; else None."""
    kind = raw.type.value_type if pa.types.is_dictionary(raw.type) else raw.type
    if pa.types.is_null(kind):
        return None
    if not is_text(kind):
        is_time = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        is_plain = pa.types.is_primitive(kind) or pa.types.is_decimal(kind)
        fits = is_time if column.type == "datetime" else is_plain and not pa.types.is_temporal(kind)
        return None if fits else str(kind)
    if column.type in ("category", "text"):
        return None
    values = typed(pa.chunked_array([raw]), column, contract.dataset).dropna()
    if len(values) >= ENOUGH and values.map(lambda value: isinstance(value, str)).all():
        return f"{values.iloc[0]!r}"[:80]
    return None
