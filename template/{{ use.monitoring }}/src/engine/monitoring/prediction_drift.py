"""Whether the champion still answers as it did on the test rows: its mix, and no class gone."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from engine.contract.schema import Contract
from engine.monitoring.log import Window
from engine.monitoring.protocol import LARGE
from engine.monitoring.significance import LEAST_ROWS, LEVEL, category_p, none_p


@dataclass(frozen=True)
class Mix:
    """How the answers fall, beside how they fell on the test rows."""

    parts: list[str]
    """The classes, or the deciles of a regression."""
    expected: list[float]
    shares: list[float]
    rows: int
    p: float
    distance: float
    """Jensen-Shannon, as for the inputs."""
    vanished: list[str]
    """Classes that were not given for a whole hour although the test rows say they should be."""
    note: str = ""
    """Why nothing was compared."""
    of_classes: bool = True

    @property
    def drifted(self) -> bool:
        """Whether the mix differs for real and by much."""
        return self.p < LEVEL and self.distance >= LARGE


def compare(window: Window, contract: Contract, baseline: list[float], test_rows: int) -> Mix:
    """Hold a window's answers against the manifest's `baseline_mix` of `test_rows` rows."""
    if contract.classes:
        parts, expected = list(contract.classes), np.array(baseline)
        counts = np.zeros((window.hours, len(parts)))
        for (hour, label), count in window.labels.items():
            if label in parts:
                counts[hour, parts.index(label)] += count
        total, gone = counts.sum(axis=0), vanished(counts, expected, test_rows)
    else:
        parts = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(baseline)]
        expected, gone = np.full(len(parts), 1 / len(parts)), []
        places = np.searchsorted(baseline[1:-1], window.values)
        total = np.bincount(places, minlength=len(parts)).astype(float)
    rows, p, distance, note = int(total.sum()), 1.0, 0.0, ""
    shares = total / max(rows, 1)
    if rows < LEAST_ROWS:
        note = f"{rows} answers of the champion, {LEAST_ROWS} are needed"
    elif len(set(baseline)) < len(baseline) and not contract.classes:
        note = "the champion gives few different values, so their deciles say little"
    else:
        p, distance = (
            category_p(expected * test_rows, total),
            _distance(expected, shares),
        )
    named = [parts[i] for i in gone]
    return Mix(
        parts,
        expected.tolist(),
        shares.tolist(),
        rows,
        p,
        distance,
        named,
        note,
        bool(contract.classes),
    )


def _distance(expected: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    return float(np.nan_to_num(jensenshannon(expected, shares)))


def vanished(
    counts: NDArray[np.float64], expected: NDArray[np.float64], test_rows: int
) -> list[int]:
    """Classes missing for an hour that luck does not explain; `counts` is [hours, classes].

    The level is shared between all hours and classes (Bonferroni).
    """
    level = LEVEL / counts.size
    rows = counts.sum(axis=1)
    return [
        i
        for i, share in enumerate(expected)
        if any(
            seen == 0 and none_p(share * test_rows, test_rows, n) < level
            for seen, n in zip(counts[:, i], rows, strict=True)
        )
    ]
