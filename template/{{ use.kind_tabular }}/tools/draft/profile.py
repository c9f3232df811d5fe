"""What a raw column holds, before there is a contract: its type, its range, its values."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from engine.contract.schema import Dataset, to_text
from engine.data.types import numbers
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


def profile(name: str, raw: Any, data: Dataset) -> Profile:
    """Look at one raw Arrow column, with the markers and formats of the dataset."""
    values = clean(raw, data)
    kind: Seen = "empty" if values.null_count == len(values) else seen(values, data)
    if kind in ("number", "integer"):
        return _numeric(name, kind, numbers(values, data.decimal))
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
    )


def _numeric(name: str, kind: Seen, series: pd.Series) -> Profile:
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
    )


def _spelling(text: str, counts: dict[str, int]) -> str:
    """The first spelling of the same word, so that Yes and yes are one."""
    return next((other for other in counts if other.casefold() == text.casefold()), text)
