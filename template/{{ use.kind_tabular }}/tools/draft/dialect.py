"""How a file writes things: separator, decimal mark, order of dates, markers for missing values."""

import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from engine.contract.schema import Dataset
from engine.data.read import is_parquet
from engine.data.types import SLASHED, is_text, numbers
from tools.draft.types import clean, seen, stray

SEPARATORS = (",", ";", "\t", "|")
# Taken for missing wherever they stand: nobody means them as a value.
CERTAIN = ("#n/a", "#n/a n/a", "#na", "<na>", "\\n", "nil", "nat")
MOST_STRAY, MOSTLY = 3, 0.9
SENTINELS = (-9, -99, -999, -9999, -99999, 999, 9999, 99999)


def separator(content: bytes, target: str) -> str:
    """The separator under which the header has the target and rows are as long as the header."""
    if is_parquet(content):
        return SEPARATORS[0]
    text = content[: 1 << 18].decode("utf-8-sig", errors="replace")

    def fit(mark: str) -> tuple[bool, float, int]:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))[:200] or [[]]
        except csv.Error:
            return False, 0.0, 0
        even = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        return target in rows[0], even, len(rows[0])

    return max(SEPARATORS, key=fit)


def dialect(table: pa.Table, data: Dataset, target: str) -> tuple[Dataset, list[str]]:
    """The dataset with its decimal mark, date order and missing markers; and what was guessed."""
    notes: list[str] = []
    texts = {
        name: table.column(name) for name in table.column_names if is_text(table.column(name).type)
    }
    present = {value for raw in texts.values() for value in _folded(raw) if value in CERTAIN}
    data = replace(data, missing=(*data.missing, *sorted(present - set(data.missing))))
    cleaned = {name: clean(raw, data) for name, raw in texts.items()}
    if any(_has_decimal_comma(values) for values in cleaned.values()):
        data = replace(data, decimal=",")
        notes.append('numbers are written with a decimal comma: dataset.decimal = ","')
    dates, note = _dates(cleaned)
    if note:
        data = replace(data, dates=dates)
        notes.append(note)
    strange = {}
    for name, values in cleaned.items():
        if name != target and (tokens := _stray(values, data)):
            strange[name] = tokens
    others = {
        text
        for name, values in cleaned.items()
        if strange and name not in strange and seen(values, data) == "text"
        for text in _folded(values)
    }
    for name, tokens in strange.items():
        if new := [token for token in tokens if token not in others and token not in data.missing]:
            data = replace(data, missing=(*data.missing, *new))
            words = ", ".join(map(repr, new))
            notes.append(f"{name!r} holds numbers but for {words}, which is taken for missing")
    return data, notes


def _folded(raw: Any) -> list[str]:
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    unique = pc.unique(pc.utf8_lower(pc.utf8_trim_whitespace(raw.cast(pa.string()))))
    return [text for text in unique.to_pylist() if text is not None and len(text) < 40]


def _stray(values: Any, data: Dataset) -> list[str]:
    """Up to three texts in a column that is otherwise numeric."""
    unique = pc.unique(values.drop_null())
    if len(unique) < 10:
        return []
    tokens = stray(unique, data, most=max(MOST_STRAY, int(len(unique) * (1 - MOSTLY))))
    few = tokens and len(tokens) <= MOST_STRAY and not any(c.isdigit() for t in tokens for c in t)
    return tokens if few and tokens else []


def _has_decimal_comma(values: Any) -> bool:
    unique = pc.unique(values.drop_null())
    if not pc.any(pc.match_substring_regex(unique, r"^[+-]?\d+,(\d{1,2}|\d{4,})$")).as_py():
        return False
    return numbers(unique, ",").dtype != object


def _dates(columns: dict[str, Any]) -> tuple[Any, str]:
    """The order of day and month in dates such as 3/4/2026, decided by a number above 12."""
    first, second, marks = 0, 0, ""
    for values in columns.values():
        found = [
            SLASHED.match(text) for text in pc.unique(values.drop_null()).to_pylist()[:100_000]
        ]
        hits = [match for match in found if match]
        if len(hits) > MOSTLY * len(found) and hits:
            first = max(first, *(int(match[1]) for match in hits))
            second = max(second, *(int(match[2]) for match in hits))
            marks += hits[0][0]
    if not marks:
        return "iso", ""
    order = "day_first" if first > 12 or (second <= 12 and "." in marks) else "month_first"
    sure = "" if max(first, second) > 12 else " (no date settles it: please check)"
    return order, f'dates are read as {order.replace("_", " ")}: dataset.dates = "{order}"{sure}'
