"""The type of a raw column: what every one of its values can be read as."""

from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.contract.schema import Dataset
from engine.data.types import FALSE, TRUE, is_text, numbers, timestamps, without_markers

Seen = Literal["number", "integer", "boolean", "datetime", "text", "empty"]
CODE = r"^[+-]?0[0-9]|^[0-9]{16,}$"  # 007 and long runs of digits name things, they count nothing
DATE = r"^\d{4}[-/.]\d{1,2}([-/.]\d{1,2}|$)|^\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})([ T,]|$)"
LOOKED_AT = 1000  # values by which a pattern is judged


def clean(raw: Any, data: Dataset) -> Any:
    """A raw column without what stands for a missing value."""
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    if is_text(raw.type):
        return without_markers(raw, data.missing)
    if pa.types.is_floating(raw.type):
        return pc.if_else(pc.is_nan(raw), pa.scalar(None, raw.type), raw)
    return raw


def seen(values: Any, data: Dataset, unit: str = "") -> Seen:
    """The type that every value of a cleaned column has."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "datetime"
    if not is_text(kind):
        return "text"
    first = pc.unique(values.drop_null()[:LOOKED_AT]).to_pylist()
    if _is_yes_no(values, first):
        return "boolean"
    if _is_date(first) and timestamps(values, data.dates).dtype != object:
        return "datetime"
    if (
        stray(values, data, unit, most=0) is None
        or pc.any(pc.match_substring_regex(values, CODE)).as_py()
    ):
        return "text"
    if data.thousands or unit:
        series = numbers(values, data, unit).dropna()
        return "integer" if bool((series % 1 == 0).all()) else "number"
    return "number" if pc.any(pc.match_substring_regex(values, r"[.,eE]")).as_py() else "integer"


def stray(values: Any, data: Dataset, unit: str, most: int) -> list[str] | None:
    """The few texts that keep a column from being all numbers; None when more than `most`."""
    first = numbers(values.drop_null()[:LOOKED_AT], data, unit)
    is_odd = first.dtype == object and first.map(lambda value: isinstance(value, str)).sum()
    if is_odd > max(most, len(first) / 2):
        return None
    series = numbers(values, data, unit)
    if series.dtype == object:
        texts = series[series.map(lambda value: isinstance(value, str))].str.casefold().unique()
    elif np.isfinite(series.to_numpy(np.float64)[series.notna()]).all():
        return []
    else:
        endless = ~np.isfinite(series) & series.notna()
        texts = pd.Series(values.to_pandas())[endless].str.casefold().unique()
    return [str(text) for text in texts] if len(texts) <= most else None


def _is_yes_no(values: Any, first: list[str]) -> bool:
    if len({text.casefold() for text in first}) > 2:
        return False
    found = {text.casefold() for text in pc.unique(values.drop_null()).to_pylist()}
    words = {text for text in found if text.isalpha()}
    return found == words and len(found) == 2 and len(found & TRUE) == len(found & FALSE) == 1


def is_nested(raw: Any) -> bool:
    """Whether a column holds lists or records, which stand in no column of a contract."""
    kind = raw.type.value_type if pa.types.is_dictionary(raw.type) else raw.type
    return bool(pa.types.is_nested(kind))


def _is_date(first: list[str]) -> bool:
    return bool(pd.Series(first, dtype=object).str.match(DATE).mean() > 0.9)
