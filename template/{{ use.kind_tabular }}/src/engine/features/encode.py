"""Rows to model inputs: one encoder for training, batches and single requests.

A model sees two arrays: `numbers` (float32, missing is NaN) and `categories` (text, missing is "").
Imputing, scaling and one-hot encoding are part of the model itself.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.schema import PARTS, Contract

FIRST, FIRST_UTC = datetime.min, datetime.min.replace(tzinfo=UTC)
LAST_DAY = date.max.toordinal() - 1  # since the first one
Inputs = tuple[NDArray[np.float32], NDArray[np.object_]]


class Encoder:
    """Turns values that passed the contract into the arrays a model takes."""

    def __init__(self, contract: Contract) -> None:
        self.plain = contract.numbers[
            : len(contract.numbers) - len(PARTS) * len(contract.datetimes)
        ]
        self.datetimes = contract.datetimes
        self.categories = contract.categories
        self._open = [
            (position, frozenset(contract.features[name].values))
            for position, name in enumerate(contract.categories)
            if contract.features[name].unknown == "missing"
        ]
        self.order = (*self.plain, *self.datetimes, *self.categories)

    def rows(self, rows: Sequence[Sequence[Any]]) -> Inputs:
        """Encode rows whose values stand in `order`; None is missing.

        Returns float32 [rows, numbers] and text objects [rows, categories].
        """
        first, second = len(self.plain), len(self.plain) + len(self.datetimes)
        values: list[Any] = []  # flat: numpy takes nested lists many times slower
        texts: list[Any] = []
        for row in rows:
            values += row[:first]
            for moment in row[first:second]:
                values += clock(moment)
            texts += row[second:]
        if None in texts:
            texts = ["" if value is None else value for value in texts]
        step = len(self.categories)
        for position, known in self._open:
            texts[position::step] = [
                value if value in known else "" for value in texts[position::step]
            ]
        width = len(self.plain) + len(PARTS) * len(self.datetimes)
        return (
            np.array(values, dtype=np.float32).reshape(len(rows), width),
            np.array(texts, dtype=object).reshape(len(rows), step),
        )

    def columns(self, columns: Mapping[str, NDArray[Any]]) -> Inputs:
        """Encode whole columns, as `data.read.feature_values` gives them; same result as `rows`."""
        count = len(next(iter(columns.values())))
        first, width = len(self.plain), len(self.plain) + len(PARTS) * len(self.datetimes)
        numbers = np.empty((count, width), dtype=np.float32)
        for place, name in enumerate(self.plain):
            numbers[:, place] = columns[name]
        for place, name in enumerate(self.datetimes):
            at = first + len(PARTS) * place
            numbers[:, at : at + len(PARTS)] = clocks(columns[name])
        known, texts = dict(self._open), np.empty((count, len(self.categories)), dtype=object)
        for place, name in enumerate(self.categories):
            held = known.get(place)
            texts[:, place] = (
                ["" if value is None else value for value in columns[name]]
                if held is None
                else [value if value in held else "" for value in columns[name]]
            )
        return numbers, texts

    def tuples(self, columns: Mapping[str, NDArray[Any]]) -> list[tuple[Any, ...]]:
        """Whole columns as rows of plain Python values, which stand in `order`."""
        return list(zip(*(columns[name].tolist() for name in self.order), strict=True))


def clock(moment: datetime | None) -> tuple[float, float, float]:
    """Hour of the day (0 to 24), day of the week (Monday is 0) and of the year (1 to 366), in UTC.

    All are NaN when the moment is missing.
    """
    if moment is None:
        return float("nan"), float("nan"), float("nan")
    # astimezone would leave the calendar on its first and last day
    since = moment - (FIRST if moment.tzinfo is None else FIRST_UTC)
    minutes, seconds = divmod(since.seconds, 60)
    return (minutes // 60 + minutes % 60 / 60 + seconds / 3600, *day(since.days))


@lru_cache(maxsize=4096)  # requests are about few days
def day(number: int) -> tuple[float, float]:
    """Day of the week and of the year; 0 is 0001-01-01, a Monday."""
    date_of_it = date.fromordinal(min(max(number, 0), LAST_DAY) + 1)
    return float(number % 7), float(date_of_it.timetuple().tm_yday)


def clocks(moments: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """The same of many moments in UTC: [rows, 3]; NaN where one is missing."""
    # Whole numbers: numpy takes many times longer to turn one unit of time into another.
    known = ~np.isnat(moments)
    total = np.where(known, moments.astype("datetime64[us]").view(np.int64), 0) // 1_000_000
    days = total // 86_400
    minutes = (total - days * 86_400) // 60
    hours = minutes // 60
    minute, second = minutes - hours * 60, total - days * 86_400 - minutes * 60
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    dates = days.astype("datetime64[D]")
    yearday = (dates - dates.astype("datetime64[Y]")).astype(np.int64) + 1
    parts = [hours + minute / 60 + second / 3600, weekday, yearday]
    found = np.stack(parts, axis=1).astype(np.float32)
    found[~known] = np.nan
    return found
