"""Maps from a model's probabilities to calibrated ones: one code for arrays and for model.onnx.

Each is array code after the Python array API standard: with NumPy's arrays it computes, with those
of ndonnx it is traced. Of two classes a map never swaps two rows, so no ranking changes.

skl2onnx converts a CalibratedClassifierCV only around an estimator that it fitted itself, and gives
the nearest step of an isotonic map instead of the line between two of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ndonnx as ndx
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

LEAST = 1e-5  # a float32 probability near 1 leaves no more than two digits of its distance from 1
KNOTS_APART = 0.25  # in log odds: steeper steps would blow up the last digit of a float32
MOST = 30.0  # log odds; the exponential of 89 is no float32 any more
TEMPERATURES = (-3.0, 3.0)  # natural logarithm

Map = Callable[[Any], Any]
"""Probabilities [rows, classes] to probabilities."""
Shares = NDArray[np.float32]
Positions = NDArray[np.intp]
Fit = Callable[[Shares, Positions], Map | None]
"""Probabilities and the classes that came true to a map; None where no map makes sense."""


@dataclass(frozen=True)
class Sigmoid:
    """Platt scaling: a straight line in log odds (Platt 1999)."""

    slope: float
    intercept: float

    def __call__(self, shares: Any) -> Any:
        """For two classes."""
        xp = shares.__array_namespace__()
        line = self.slope * log_odds(shares) + self.intercept
        return _both(1 / (1 + xp.exp(-xp.clip(line, -MOST, MOST))))


@dataclass(frozen=True)
class Isotonic:
    """A rising line through the points (log odds, share), level beyond the first and the last."""

    odds: tuple[float, ...]
    shares: tuple[float, ...]

    def __call__(self, shares: Any) -> Any:
        """For two classes."""
        xp = shares.__array_namespace__()
        left, width, rise = (
            xp.asarray(np.asarray(values, dtype=np.float32))
            for values in (self.odds[:-1], np.diff(self.odds), np.diff(self.shares))
        )
        inside = xp.clip((log_odds(shares) - left) / width, 0.0, 1.0)
        return _both(self.shares[0] + xp.sum(inside * rise, axis=1, keepdims=True))


@dataclass(frozen=True)
class Temperature:
    """Probabilities to a power, for any number of classes (Guo et al., ICML 2017)."""

    power: float

    def __call__(self, shares: Any) -> Any:
        """Below 1 the power makes them more alike, above 1 less."""
        xp = shares.__array_namespace__()
        powers = xp.exp(self.power * xp.log(xp.clip(shares, LEAST, 1.0)))
        return powers / xp.sum(powers, axis=1, keepdims=True)


def log_odds(shares: Any) -> Any:
    """Logarithm of the odds of the second class of two, [rows, 1]."""
    xp = shares.__array_namespace__()
    logs = xp.log(xp.clip(shares, LEAST, 1.0))
    return logs[:, 1:2] - logs[:, 0:1]


def fit_sigmoid(shares: Shares, target: Positions) -> Map | None:
    """Fit the line on targets a little off 0 and 1, as Platt does; None if it would fall."""
    odds, hits = log_odds(shares), int(target.sum())
    truth = np.where(target == 1, (hits + 1) / (hits + 2), 1 / (len(target) - hits + 2))
    model = LogisticRegression(C=np.inf).fit(
        np.vstack([odds, odds]),
        np.repeat([1, 0], len(target)),
        sample_weight=np.concatenate([truth, 1 - truth]),
    )
    slope = float(model.coef_[0, 0])
    return Sigmoid(slope, float(model.intercept_[0])) if slope > 0 else None


def fit_isotonic(shares: Shares, target: Positions) -> Map | None:
    """Fit a rising line through the middles of the steps of an isotonic regression.

    Centred isotonic regression (Oron and Flournoy 2017): a line, and not steps, so that the last
    digit decides nothing. None when there is one step only.
    """
    odds = np.asarray(log_odds(shares)[:, 0], dtype=np.float64)
    steps = IsotonicRegression().fit_transform(odds, target).round(9)
    knots: list[list[float]] = []
    for level in np.unique(steps):
        inside = odds[steps == level]
        knot = [float(inside.mean()), float(level), float(len(inside))]
        if knots and knot[0] - knots[-1][0] < KNOTS_APART:
            weight = knots[-1][2] + knot[2]
            share = knot[2] / weight
            last = knots.pop()
            knot = [*(o + share * (n - o) for o, n in zip(last[:2], knot[:2], strict=True)), weight]
        knots.append(knot)
    if len(knots) < 2:
        return None
    sure = 1 / (len(target) + 2)  # nothing is impossible because a few rows never showed it
    levels = np.clip([knot[1] for knot in knots], sure, 1 - sure)
    return Isotonic(tuple(knot[0] for knot in knots), tuple(levels.tolist()))


def fit_temperature(shares: Shares, target: Positions) -> Map | None:
    """Fit the power by the least log loss."""
    rows = np.arange(len(target))

    def loss(logarithm: float) -> float:
        said = Temperature(float(np.exp(logarithm)))(shares)[rows, target]
        return float(-np.log(np.maximum(said, 1e-12)).mean())

    found = minimize_scalar(loss, bounds=TEMPERATURES, method="bounded")
    return Temperature(float(np.exp(found.x)))


def traced(how: Map, classes: int) -> bytes:
    """The map as an ONNX graph from `raw` to `calibrated`, float32 [rows, classes]."""
    raw = ndx.argument(shape=("rows", classes), dtype=ndx.float32)
    graph = ndx.build({"raw": raw}, {"calibrated": ndx.astype(how(raw), ndx.float32)})
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _both(share: Any) -> Any:
    xp = share.__array_namespace__()
    return xp.concat([1 - share, share], axis=1)
