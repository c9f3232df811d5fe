"""Raw columns of a file to typed ones, as the contract says; CSV and Parquet come out alike.

A value that cannot be turned into its type stays as it is, in a column of objects: `quality.check`
finds it there and names it. Nothing is ever turned into a missing value because it is wrong.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.contract.schema import Column, Contract, Dataset, to_text


def each(raw: Any, function: Callable[[Any], Any], dtype: Any) -> pd.Series:
    """Apply a function to every distinct value once."""
    codes = encoded(raw)
    unique = np.empty(len(codes.dictionary), dtype=object)
    unique[:] = [function(value) for value in codes.dictionary.to_pylist()]
    if dtype is np.float64 and not any(isinstance(value, str) for value in unique):
        return spread(codes, unique.astype(np.float64), np.nan)
    return spread(codes, unique, None)


def encoded(raw: Any) -> Any:
    """The column as positions in a list of its distinct values."""
    whole = raw.combine_chunks() if isinstance(raw, pa.ChunkedArray) else raw
    return whole.dictionary_encode()


def spread(codes: Any, unique: Any, missing: Any) -> pd.Series:
    """Distinct values back to all rows."""
    table = np.append(unique, np.array([missing], dtype=unique.dtype))
    index = codes.indices.fill_null(len(unique)).to_numpy(zero_copy_only=False)
    return pd.Series(table[index], dtype=table.dtype)


def is_text(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


SLASHED = re.compile(
    r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})"
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))? ?([AaPp]\.?[Mm]\.?)?)?$"
)


def timestamps(raw: Any, dates: str) -> pd.Series:
    """One raw column as datetime64[us] in UTC without a zone; a time without one is taken for UTC.

    With a value that is no time it is a column of objects that holds the value as it was.
    """
    if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
        return pd.Series(
            raw.cast(pa.timestamp("us"), safe=False).to_numpy(), dtype="datetime64[us]"
        )
    if not is_text(raw.type):
        return each(raw, lambda value: value, object)
    texts = encoded(raw)
    unique = pd.Series(texts.dictionary.to_pylist(), dtype=object)
    written = (
        unique if dates == "iso" else unique.map(lambda text: _iso(text, dates == "day_first"))
    )
    parsed = pd.to_datetime(written, utc=True, errors="coerce", format="ISO8601").dt.tz_localize(
        None
    )
    if parsed.isna().any():
        pairs = zip(parsed, unique, strict=True)
        found = [text if pd.isna(moment) else moment.to_pydatetime() for moment, text in pairs]
        return spread(texts, np.array(found, dtype=object), None)
    return spread(texts, parsed.to_numpy(dtype="datetime64[us]"), np.datetime64("NaT"))


def _iso(text: str, day_first: bool) -> str:
    """A date such as 31.1.2026 or 1/31/26 3:05 PM the ISO way; any other text as it is."""
    found = SLASHED.match(text)
    if not found:
        return text
    one, two, year, hour, minute, second, half = found.groups()
    day, month = (one, two) if day_first else (two, one)
    if len(year) == 2:  # as POSIX reads them: 69 is 1969, 68 is 2068
        year = f"{'19' if int(year) >= 69 else '20'}{year}"
    clock = int(hour or 0)
    if half:
        clock = clock % 12 + (12 if half[0] in "Pp" else 0)
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    return f"{date}T{clock:02d}:{minute or '00'}:{second or '00'}"


SPACE = "[ \u00a0\u2009\u202f]"  # what stands between digits: plain, fixed, thin, thin and fixed

TRUE = frozenset({"true", "yes", "y", "t", "1", "1.0"})
FALSE = frozenset({"false", "no", "n", "f", "0", "0.0"})


def layout(contract: Contract) -> dict[str, Column]:
    """Every column the rows may have: those of the contract, target, entities and timestamp.

    The target of a classification is a category of its classes, that of a regression a number. One
    that has no entry of its own under [columns] may be missing: such rows are not learnt from.
    """
    data, columns = contract.dataset, dict(contract.columns)
    if data.entity:
        columns.setdefault(data.entity, Column(type="text", role="ignored"))
    if data.timestamp:
        columns.setdefault(data.timestamp, Column(type="datetime", role="ignored"))
    for name, column in contract.sent.items():
        columns.setdefault(name, column)
    target = columns.get(data.target, Column(type="text", role="ignored", nullable=True))
    if data.task == "classification":
        kind: dict[str, Any] = {"type": "category", "values": data.classes, "unknown": "refuse"}
        target = msgspec.structs.replace(target, min=None, max=None, fill=None, **kind)
    else:
        kind = {"type": target.type if target.type == "integer" else "number", "values": ()}
        target = msgspec.structs.replace(target, **kind, unit=target.unit or data.unit)
    columns[data.target] = target
    return columns


def typed(raw: Any, column: Column, dataset: Dataset) -> pd.Series:
    """One raw Arrow column as a series of the column's type.

    number, integer, boolean: float64, missing is NaN; category, text: str objects, missing is None;
    datetime: datetime64[us] in UTC without a zone, missing is NaT.
    """
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    if is_text(raw.type):
        raw = without_markers(raw, dataset.missing)
    if column.type in ("number", "integer"):
        return numbers(raw, dataset, column.unit)
    if column.type == "boolean":
        return _booleans(raw)
    if column.type == "datetime":
        return timestamps(raw, dataset.dates)
    return _texts(raw, column.values)


def numbers(raw: Any, dataset: Dataset, unit: str = "") -> pd.Series:
    """One raw column as float64, missing is NaN; what is no number stays as it is, among objects.

    A text is read as the dataset writes numbers, without the unit before or behind it.
    """
    if not is_text(raw.type):
        return _cast(raw, pa.float64(), lambda value: value)
    reader = _Reader(dataset, unit)
    if dataset.thousands:
        return each(raw, reader, np.float64)
    plain = raw if dataset.decimal == "." else pc.replace_substring(raw, dataset.decimal, ".")
    try:
        return pd.Series(plain.cast(pa.float64()).to_numpy(), dtype=np.float64)
    except pa.ArrowInvalid:  # value by value only when some are written otherwise
        return each(raw, reader, np.float64)


class _Reader:
    """A text to a number, as the dataset writes it; any other text as it is."""

    def __init__(self, dataset: Dataset, unit: str) -> None:
        mark = SPACE if dataset.thousands == " " else re.escape(dataset.thousands)
        end, beside = re.escape(dataset.decimal), re.escape(unit)
        groups = rf"^([+-]?\d{{1,3}})((?:{mark}\d{{3}})+)(?=$|{end})"
        before, behind = rf"^([+-]?)\s*{beside}\s*(?=[+-]?[\d.,])", rf"(?<=[\d.,])\s*{beside}$"
        self._groups = re.compile(groups) if mark else None
        self._unit = re.compile(f"{before}|{behind}") if unit else None
        self._mark, self._decimal = re.compile(mark), dataset.decimal

    def __call__(self, text: Any) -> Any:
        number = str(text)
        if self._unit:
            number = self._unit.sub(r"\1", number, count=1)
        if self._groups and (found := self._groups.match(number)):
            number = found[1] + self._mark.sub("", found[2]) + number[found.end() :]
        if self._decimal != ".":
            number = number.replace(self._decimal, ".")
        try:
            return float("_" if "_" in number else number)
        except ValueError:
            return text


def _booleans(raw: Any) -> pd.Series:
    if not is_text(raw.type):
        values = _cast(raw, pa.float64(), lambda value: value)
        if values.dtype == np.float64 and not pa.types.is_boolean(raw.type):
            fits = values.isin([0, 1]) | values.isna()
            return values if fits.all() else values.astype(object)
        return values
    return each(raw, lambda value: _truth(value), np.float64)


def _truth(value: Any) -> Any:
    text = value.casefold()
    return 1.0 if text in TRUE else 0.0 if text in FALSE else value


def _texts(raw: Any, values: tuple[str, ...]) -> pd.Series:
    known = frozenset(values)
    if is_text(raw.type) and not known:
        return pd.Series(raw.to_numpy(zero_copy_only=False), dtype=object)
    folded = {value.casefold(): value for value in values if value.casefold() in TRUE | FALSE}

    def text(value: Any) -> str:
        written = to_text(value)
        if written in known:
            return written
        shorter = written.removesuffix(".0")  # a whole number that a tool wrote as 3.0
        other = shorter if shorter in known else f"{written}.0"
        return other if other in known else folded.get(written.casefold(), written)

    return each(raw, text, object)


def _cast(raw: Any, kind: Any, one: Callable[[Any], Any]) -> pd.Series:
    """Cast whole columns fast; value by value only when some do not fit."""
    try:
        if pa.types.is_boolean(raw.type):
            raw = raw.cast(pa.int8())
        values = raw.cast(kind, safe=False).to_numpy()
        return pd.Series(values, dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return each(raw, one, np.float64)


def without_markers(raw: Any, markers: tuple[str, ...]) -> Any:
    """Trim a text column and empty what stands for a missing value, in any case."""
    trimmed = pc.utf8_trim_whitespace(raw.cast(pa.string()))
    folded = pa.array([marker.strip().casefold() for marker in markers], pa.string())
    missing = pc.is_in(pc.utf8_lower(trimmed), value_set=folded)
    return pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
