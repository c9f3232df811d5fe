"""Values in bins, and what a bin says of a row from the other rows in it: one column by itself."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ENOUGH_ROWS = 50  # with fewer, a perfect score happens by chance
MOST_ROWS = 50_000
MOST_BINS = 64
FOLDS = 3


def sample(values: pd.Series, target: pd.Series) -> tuple[pd.Series, pd.Series]:
    """At most MOST_ROWS rows with a target, evenly spread."""
    known = target.notna()
    values, target = values[known], target[known]
    step = -(-len(target) // MOST_ROWS) or 1
    return values.iloc[::step], target.iloc[::step]


def binned(values: pd.Series) -> NDArray[np.intp]:
    """A small number for each row: its value, or the quantile it falls into; missing is one too."""
    if pd.api.types.is_datetime64_any_dtype(values):
        values = pd.Series(values.to_numpy().astype("int64")).where(values.notna().to_numpy())
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=np.float64)
        known = numbers[~np.isnan(numbers)]
        if len(np.unique(known)) > MOST_BINS:
            count = int(min(MOST_BINS, max(2, len(numbers) ** 0.5)))
            edges = np.unique(np.quantile(known, np.linspace(0, 1, count + 1)[1:-1]))
            return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers))
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return codes


def from_others(truth: NDArray[np.float64], bins: NDArray[np.intp]) -> NDArray[np.float64]:
    """The mean of the truth in the same bin of the other folds; one row of the mean steadies it.

    A column that merely names every row says nothing this way. Folds are drawn, because what comes
    every third row would stand in one of them otherwise.
    """
    width = int(bins.max()) + 1
    folds = np.random.default_rng(0).integers(0, FOLDS, len(truth))
    guess = np.empty(len(truth))
    for fold in range(FOLDS):
        other, own = folds != fold, folds == fold
        total = np.bincount(bins[other], weights=truth[other], minlength=width)
        count = np.bincount(bins[other], minlength=width)
        guess[own] = ((total + truth[other].mean()) / (count + 1))[bins[own]]
    return guess
