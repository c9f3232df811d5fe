"""Rows to model inputs: one encoder for training, batches and single requests.

A model sees two arrays: `numbers` (float32, missing is NaN) and `categories` (text, missing is "").
Imputing, scaling and one-hot encoding are part of the model itself.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contract import Contract

Inputs = tuple[NDArray[np.float32], NDArray[np.object_]]


class Encoder:
    """Turns values that passed the contract into the arrays a model takes."""

    def __init__(self, contract: Contract) -> None:
        self.plain = contract.numbers[: len(contract.numbers) - 2 * len(contract.datetimes)]
        self.datetimes = contract.datetimes
        self.categories = contract.categories
        self._open = {
            name: frozenset(column.values)
            for name, column in contract.features.items()
            if column.unknown == "missing"
        }
        self.order = (*self.plain, *self.datetimes, *self.categories)

    def rows(self, rows: Sequence[Sequence[Any]]) -> Inputs:
        """Encode rows whose values stand in `order`; None is missing.

        Returns float32 [rows, numbers] and text objects [rows, categories].
        """
        first, second = len(self.plain), len(self.plain) + len(self.datetimes)
        numbers = np.array([row[:first] for row in rows], dtype=np.float32).reshape(
            len(rows), first
        )
        if self.datetimes:
            parts = [[p for t in row[first:second] for p in clock(t)] for row in rows]
            numbers = np.hstack([numbers, np.array(parts, dtype=np.float32)])
        categories = np.empty((len(rows), len(self.categories)), dtype=object)
        for j, name in enumerate(self.categories, start=second):
            categories[:, j - second] = [self._known(name, row[j]) for row in rows]
        return numbers, categories

    def columns(self, columns: Mapping[str, Sequence[Any]]) -> Inputs:
        """Encode whole columns, as training and batches hold them; same result as `rows`."""
        return self.rows(self.tuples(columns))

    def tuples(self, columns: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Whole columns as rows whose values stand in `order`."""
        return list(zip(*(columns[name] for name in self.order), strict=True))

    def _known(self, name: str, value: str | None) -> str:
        if value is None or (name in self._open and value not in self._open[name]):
            return ""
        return value


def clock(moment: datetime | None) -> tuple[float, float]:
    """Hour of the day (0 to 24) and day of the week (Monday is 0) in UTC; NaN when missing."""
    if moment is None:
        return float("nan"), float("nan")
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.hour + moment.minute / 60 + moment.second / 3600, float(moment.weekday())
