"""What a raw column holds, before there is a contract: its type, its range, its values."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.contract.schema import Dataset, to_text
from engine.data.types import is_text, numbers
from tools.draft.types import LOOKED_AT, Seen, clean, seen

MOST_COUNTED = 20_000


@dataclass(frozen=True)
class Profile:
    """A column as it was found: `counts` holds its values as text, most frequent first."""

    name: str
    kind: Seen
    rows: int
    missing: int
    distinct: int
    low: float = 0.0
    high: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    is_sequence: bool = False
    is_sorted: bool = False
    """Numbers that never fall from one row to the next."""
    unit: str = ""
    """What the file writes beside each number."""
    blanks: dict[str, int] = field(default_factory=dict)
    """Texts that are taken for missing, as they are written."""

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def is_unique(self) -> bool:
        """Whether no value comes twice."""
        return self.distinct == self.known > 1

    @property
    def sample(self) -> list[str]:
        """Some values to judge a pattern by."""
        return list(self.counts)[:LOOKED_AT]


def profile(name: str, raw: Any, data: Dataset, unit: str = "") -> Profile:
    """Look at one raw Arrow column, with the markers and formats of the dataset."""
    values = clean(raw, data)
    blanks = _blanks(raw, values)
    kind: Seen = "empty" if values.null_count == len(values) else seen(values, data, unit)
    if kind in ("number", "integer"):
        return _numeric(name, kind, numbers(values, data, unit), unit, blanks)
    found = pc.value_counts(values.drop_null())
    often = found.field("counts").to_numpy()
    first = np.argsort(-often, kind="stable")[:MOST_COUNTED]
    counts: dict[str, int] = {}
    for value, count in zip(
        found.field("values").take(first).to_pylist(), often[first], strict=True
    ):
        text = _spelling(to_text(value), counts) if kind == "boolean" else to_text(value)
        counts[text] = counts.get(text, 0) + int(count)
    return Profile(
        name=name,
        kind=kind,
        rows=len(values),
        missing=int(values.null_count),
        distinct=len(counts) if kind == "boolean" else len(found),
        counts=counts,
        blanks=blanks,
    )


def _numeric(
    name: str, kind: Seen, series: pd.Series, unit: str, blanks: dict[str, int]
) -> Profile:
    found, steps = series.value_counts(), series.dropna().diff().iloc[1:]
    often = found.head(MOST_COUNTED)
    return Profile(
        name=name,
        kind=kind,
        rows=len(series),
        missing=int(series.isna().sum()),
        distinct=len(found),
        low=float(series.min()),
        high=float(series.max()),
        counts={
            to_text(value): int(n)
            for value, n in zip(often.index.tolist(), often.tolist(), strict=True)
        },
        is_sequence=kind == "integer" and len(steps) > 1 and bool((steps == 1).all()),
        is_sorted=bool((steps >= 0).all()),
        unit=unit,
        blanks=blanks,
    )


def _blanks(raw: Any, values: Any) -> dict[str, int]:
    """What stands where a text is taken for missing, and how often; the empty text too."""
    if not is_text(values.type) or values.null_count == raw.null_count:
        return {}
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    found = pc.value_counts(raw.filter(pc.and_(pc.is_valid(raw), pc.is_null(values))))
    return {entry["values"]: entry["counts"] for entry in found.to_pylist()}


def _spelling(text: str, counts: dict[str, int]) -> str:
    """The first spelling of the same word, so that Yes and yes are one."""
    return next((other for other in counts if other.casefold() == text.casefold()), text)
