"""Whether probabilities come true: by bins of test rows, and as one number."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from engine.contract.schema import Contract
from engine.registry.runs import Bin, Reliability

BINS = 10
SAMPLES = 1000
WIDTH = 25  # characters of a drawn bin


def reliability(contract: Contract, shares: NDArray[Any], target: NDArray[Any]) -> Reliability:
    """What was said with each probability, and what came true.

    Two classes: the probability of the positive one. More: that of the most probable one (Guo et
    al., ICML 2017). Bins hold as many rows each, for equal widths leave most of them empty (Nguyen
    and O'Connor, EMNLP 2015); the error over them is the expected calibration error (Naeini, Cooper
    and Hauskrecht, AAAI 2015). Luck makes it larger than 0 even where every probability is true:
    how large, is found by drawing what could have come true (Broecker and Smith 2007).
    """
    if contract.positive is not None:
        of, position = contract.positive, contract.classes.index(contract.positive)
        share, truth = shares[:, position].astype(np.float64), target == position
    else:
        of, share = "the most probable class", shares.max(axis=1).astype(np.float64)
        truth = target == shares.argmax(axis=1)
    edges = np.unique(np.quantile(share, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, share, side="left")
    groups = [np.flatnonzero(place == each) for each in np.unique(place)]
    sizes = np.array([len(rows) for rows in groups])
    said = np.array([share[rows].mean() for rows in groups])
    could = np.random.default_rng(0).binomial(sizes, said, (SAMPLES, len(groups))) / sizes
    luck = np.abs(could - said) @ sizes
    bins = [_bin(share[rows], truth[rows]) for rows in groups]
    apart = np.abs(said - np.array([each.observed for each in bins]))
    return Reliability(
        of=of,
        error=float(apart @ sizes / sizes.sum()),
        by_chance=float(np.quantile(luck, 0.95) / sizes.sum()),
        bins=bins,
    )


def drawn(found: Bin) -> str:
    """A bin on a scale from 0 to 1: `x` what was said, `o` what came true, `-` its interval."""

    def at(share: float) -> int:
        return round(share * (WIDTH - 1))

    scale = ["."] * WIDTH
    scale[at(found.low) : at(found.high) + 1] = "-" * (at(found.high) - at(found.low) + 1)
    scale[at(found.predicted)] = "x"
    scale[at(found.observed)] = "*" if at(found.observed) == at(found.predicted) else "o"
    return "".join(scale)


def _bin(share: NDArray[np.float64], truth: NDArray[np.bool_]) -> Bin:
    hits, rows = int(truth.sum()), len(truth)
    interval = binomtest(hits, rows).proportion_ci(method="wilson")
    return Bin(
        rows=rows,
        predicted=float(share.mean()),
        observed=hits / rows,
        low=float(interval.low),
        high=float(interval.high),
    )
