"""How often monitoring may cry wolf, and the tests that keep to it.

A window may raise a false alarm with a chance of `FALSE_ALARMS`, all kinds of alarm and all columns
together, whatever the number of rows. The chance holds for rows that come independently of each
other; a client that sends one row a thousand times is a difference.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

FALSE_ALARMS = 0.01
KINDS = 4  # inputs, prediction mix, vanished classes, performance
LEVEL = FALSE_ALARMS / KINDS
LEAST_ROWS = 100  # fewer say too little
LEAST_EXPECTED = 5


def number_p(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Kolmogorov-Smirnov: the chance of two samples this different; smaller where values repeat."""
    return float(stats.ks_2samp(before, now, method="asymp").pvalue)


def category_p(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Chi-square: the chance of two lists of counts [categories] this different.

    Rare categories are pooled until five are expected in the smaller sample (Cochran 1954); 1.0
    when only one is left.
    """
    counts = np.array([before, now], dtype=float)
    share = counts.sum(axis=1).min() / counts.sum()
    counts = counts[:, np.argsort(counts.sum(axis=0))]
    expected = counts.sum(axis=0) * share
    rare = int((expected < LEAST_EXPECTED).sum())
    while rare and expected[:rare].sum() < LEAST_EXPECTED and rare < len(expected):
        rare += 1
    table = np.column_stack([counts[:, :rare].sum(axis=1), counts[:, rare:]]) if rare else counts
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def none_p(seen: float, of: float, trials: int) -> float:
    """The chance that something seen `seen` times in `of` rows is not seen once in `trials` rows.

    The share is not known exactly: beta-binomial prediction from a Jeffreys prior (Brown, Cai,
    DasGupta 2001).
    """
    hits, misses = seen + 0.5, of - seen + 0.5
    return float(np.exp(special.betaln(hits, misses + trials) - special.betaln(hits, misses)))


def luck(spread: float, rows: int, other_rows: int, resamples: int) -> float:
    """How far two measurements of the same thing may lie apart by chance, one-sided.

    `spread` is the standard error of the one on `rows` rows, known from `resamples` resamples; the
    other was made on `other_rows` rows.
    """
    steps = stats.t.isf(LEVEL, resamples - 1)
    return float(steps * spread * (1 + rows / other_rows) ** 0.5)


def holm(chances: dict[str, float], level: float = LEVEL) -> dict[str, bool]:
    """Which differences are real when all are looked at together (Holm 1979)."""
    real, holds = dict.fromkeys(chances, False), True
    for rank, (name, p) in enumerate(sorted(chances.items(), key=lambda item: item[1])):
        holds = holds and p < level / (len(chances) - rank)
        real[name] = holds
    return real
