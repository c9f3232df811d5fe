"""How far apart two groups are, and between which bounds the difference lies."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95

Floats = NDArray[np.floating]


class Sample(NamedTuple):
    """Groups of values, one entry for each group: how many values, their mean and variance."""

    rows: Floats
    mean: Floats
    variance: Floats

    def at(self, index: list[int]) -> "Sample":
        """Some of the groups, in this order."""
        return Sample(self.rows[index], self.mean[index], self.variance[index])


def sample(codes: NDArray[np.intp], values: NDArray[np.floating], groups: int) -> Sample:
    """Values by the group of each row; `codes` [rows] is -1 for a row that is in none."""
    inside = codes >= 0
    codes, values = codes[inside], values[inside]
    rows = np.bincount(codes, minlength=groups).astype(float)
    sums: Floats = np.bincount(codes, weights=values, minlength=groups).astype(float)
    squares: Floats = np.bincount(codes, weights=values**2, minlength=groups).astype(float)
    return _from_sums(rows, sums, squares)


def others(groups: Sample, values: NDArray[np.floating]) -> Sample:
    """For each group all the values outside of it."""
    squares = groups.variance * (groups.rows - 1) + groups.rows * groups.mean**2
    return _from_sums(
        len(values) - groups.rows,
        values.sum() - groups.rows * groups.mean,
        (values**2).sum() - squares,
    )


def bounds(
    first: Sample, second: Sample, comparisons: int, *, share: bool
) -> tuple[Floats, Floats]:
    """Lower and upper bound of `first.mean - second.mean`, for each pair of groups.

    All `comparisons` intervals hold together with CONFIDENCE (Bonferroni), so that the largest of
    many gaps may be picked. Shares: Newcombe 1998, method 10. Means: Welch 1947.
    """
    tail = (1 - CONFIDENCE) / (2 * max(comparisons, 1))
    return _of_shares(first, second, tail) if share else _of_means(first, second, tail)


def _of_shares(first: Sample, second: Sample, tail: float) -> tuple[Floats, Floats]:
    z = float(stats.norm.isf(tail))
    (low, high), (other_low, other_high) = _wilson(first, z), _wilson(second, z)
    value = first.mean - second.mean
    return (
        value - np.hypot(first.mean - low, other_high - second.mean),
        value + np.hypot(high - first.mean, second.mean - other_low),
    )


def _wilson(of: Sample, z: float) -> tuple[Floats, Floats]:
    """The score interval of a share (Wilson 1927)."""
    centre = (of.mean + z**2 / (2 * of.rows)) / (1 + z**2 / of.rows)
    variance = of.mean * (1 - of.mean) / of.rows + z**2 / (4 * of.rows**2)
    half = z / (1 + z**2 / of.rows) * np.sqrt(variance)
    return centre - half, centre + half


def _of_means(first: Sample, second: Sample, tail: float) -> tuple[Floats, Floats]:
    one, two = first.variance / first.rows, second.variance / second.rows
    spread = one + two
    weights = one**2 / (first.rows - 1) + two**2 / (second.rows - 1)
    freedom = np.divide(spread**2, weights, out=np.full_like(spread, np.inf), where=weights > 0)
    half = stats.t.isf(tail, freedom) * np.sqrt(spread)
    value = first.mean - second.mean
    return value - half, value + half


def _from_sums(rows: Floats, sums: Floats, squares: Floats) -> Sample:
    mean = sums / np.maximum(rows, 1)
    variance = (squares - rows * mean**2) / np.maximum(rows - 1, 1)
    return Sample(rows, mean, np.maximum(variance, 0))
