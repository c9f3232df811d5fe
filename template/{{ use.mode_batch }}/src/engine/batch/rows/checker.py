"""A batch of raw rows against the contract, column by column: what a model takes, and what is bad.

The rules are those of a request and of the training data: columns are typed by `tables.typed`, and
held to the bounds and lists that `column_types` derives. A list of values is looked up once for
each distinct value, not for each row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from engine.contract.schema import PARTS, Column, Contract
from engine.contract.types import bounds, rule
from engine.data.types import encoded, typed
from engine.features.encode import Encoder, clocks

MISSING = -1  # the code of a category that is missing, or that the contract takes for missing
Values = Callable[[NDArray[np.int64]], list[Any]]


@dataclass
class Checked:
    """A batch, checked: `numbers` float32 [rows, n], `codes` int64 [rows, m], `is_good` [rows]."""

    numbers: NDArray[np.float32]
    codes: NDArray[np.int64]
    is_good: NDArray[np.bool_]
    faults: dict[int, str]
    """Of the rows that are not good, by place in the batch: what is wrong, in words."""
    known: dict[str, Values]
    """For each feature: the values at some places as a request would hold them; None is missing."""


class Checker:
    """Checks batches against one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract, self._encoder = contract, Encoder(contract)
        self._codes = {
            name: {value: code for code, value in enumerate(contract.features[name].values)}
            for name in contract.categories
        }

    def __call__(self, batch: pa.RecordBatch, faults: dict[int, str] | None = None) -> Checked:
        """Check every row; a bad one leaves the others as they are.

        `faults`: what is known to be wrong already, by place in the batch.
        """
        count = batch.num_rows
        found = Checked(
            numbers=np.empty((count, len(self._contract.numbers)), dtype=np.float32),
            codes=np.empty((count, len(self._contract.categories)), dtype=np.int64),
            is_good=np.ones(count, dtype=np.bool_),
            faults=dict(faults or {}),
            known={},
        )
        found.is_good[list(found.faults)] = False
        for place, name in enumerate(self._encoder.plain):
            values, bad = self._number(name, batch, found)
            found.numbers[:, place] = values
            self._note(found, name, batch, bad)
        for place, name in enumerate(self._encoder.datetimes):
            at = len(self._encoder.plain) + len(PARTS) * place
            found.numbers[:, at : at + len(PARTS)], bad = self._moment(name, batch, found)
            self._note(found, name, batch, bad)
        for place, name in enumerate(self._encoder.categories):
            found.codes[:, place], bad = self._category(name, batch, found)
            self._note(found, name, batch, bad)
        return found

    def _typed(self, raw: Any, column: Column) -> pd.Series:
        return typed(pa.chunked_array([raw]), column, self._contract.dataset)

    def _number(
        self, name: str, batch: pa.RecordBatch, found: Checked
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        column = self._contract.features[name]
        series = self._typed(batch.column(name), column)
        is_odd = None
        if series.dtype == object:
            is_odd = ~series.map(lambda value: isinstance(value, float | None)).to_numpy(dtype=bool)
            series = series.where(~is_odd, np.nan).astype(float)
        values = series.to_numpy(dtype=np.float64)
        low, high = (0.0, 1.0) if column.type == "boolean" else bounds(column)
        with np.errstate(invalid="ignore"):
            bad = (values < low) | (values > high)
            if column.type != "number":
                bad |= np.floor(values) < values
        if is_odd is not None:
            bad |= is_odd
        if not column.nullable:
            bad |= np.isnan(values)
        kind = bool if column.type == "boolean" else float
        found.known[name] = lambda at: [
            None if value != value else kind(value) for value in values[at].tolist()
        ]
        return values, bad

    def _moment(
        self, name: str, batch: pa.RecordBatch, found: Checked
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        column = self._contract.features[name]
        series = self._typed(batch.column(name), column)
        bad = np.zeros(len(series), dtype=np.bool_)
        if series.dtype == object:
            bad = ~series.map(lambda value: isinstance(value, datetime | None)).to_numpy(bool)
            series = pd.to_datetime(series.where(~bad, None))
        stamps = series.to_numpy(dtype="datetime64[us]")
        is_missing = np.isnat(stamps)
        if not column.nullable:
            bad |= is_missing
        found.known[name] = lambda at: [
            None if text == "NaT" else f"{text}Z"
            for text in np.datetime_as_string(stamps[at].astype("datetime64[s]")).tolist()
        ]
        return clocks(stamps), bad

    def _category(
        self, name: str, batch: pa.RecordBatch, found: Checked
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        column, codes = self._contract.features[name], self._codes[name]
        places = encoded(batch.column(name))
        texts = [*self._typed(places.dictionary, column).tolist(), None]
        unknown = column.unknown == "missing"
        table = np.array([codes.get(text, MISSING) for text in texts], dtype=np.int64)
        wrong = np.array(
            [
                not column.nullable if pd.isna(text) else text not in codes and not unknown
                for text in texts
            ]
        )
        at = places.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)
        found.known[name] = lambda wanted: [texts[place] for place in at[wanted].tolist()]
        return table[at], wrong[at]

    def _note(self, found: Checked, name: str, batch: pa.RecordBatch, bad: Any) -> None:
        if not bad.any():
            return
        found.is_good &= ~bad
        asked, raw = rule(self._contract.features[name]), batch.column(name)
        for row in np.flatnonzero(bad).tolist():
            said = f"{name!r} is {self._shown(name, raw[row])}; it must be {asked}"
            found.faults[row] = f"{found.faults[row]}. {said}" if row in found.faults else said

    def _shown(self, name: str, value: Any) -> str:
        held = value.as_py()
        if held is None:
            return "missing"
        if name in self._contract.personal:
            return "a value that is not shown, because the column is personal"
        return repr(held)[:80]
