"""Probabilities that come true as often as they say: mapped where that pays, inside the model."""

from typing import Any, Self

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from engine.features import graphs
from engine.registry.runs import Calibration
from engine.training.decision import maps

FOLDS = 5
# Ten cases for each of two parameters (Peduzzi et al., J. Clin. Epidemiol. 49, 1996).
LEAST_CASES = 20
# With fewer rows an isotonic map learns the noise (Niculescu-Mizil and Caruana, ICML 2005).
ISOTONIC_ROWS = 1000
SURE = 1.96  # standard errors: 95 % of a normal distribution lie within


class Calibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The last step of a pipeline: a fitted classifier whose probabilities are mapped."""

    def __init__(self, estimator: Any, how: maps.Map) -> None:
        self.estimator, self.how = estimator, how

    @property
    def classes_(self) -> NDArray[Any]:
        """As the classifier orders them."""
        found: NDArray[Any] = self.estimator.classes_
        return found

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, rows: Any, target: Any = None) -> Self:
        """Nothing is learnt here."""
        del rows, target
        return self

    def predict_proba(self, rows: Any) -> NDArray[np.float32]:
        """The mapped probability of each class, [n, classes]."""
        shares = self.estimator.predict_proba(rows).astype(np.float32)
        found: NDArray[np.float32] = self.how(shares)
        return found

    def behind(self, exported: bytes) -> bytes:
        """The exported classifier with the map behind it; its one output is the probabilities."""
        shares = onnx.load_from_string(exported).graph.output[-1].name
        graph = maps.traced(self.how, len(self.classes_))
        return graphs.joined(exported, graph, {"raw": shares}, "calibration_")


def calibrate(
    fitted: Pipeline, shares: NDArray[Any], target: NDArray[Any], seed: int
) -> tuple[Pipeline, NDArray[Any], Calibration]:
    """The pipeline with the map that pays, or as it is; and what was tried.

    `shares` [rows, classes] are its probabilities on validation rows, `target` their classes. A
    candidate is fitted on four fifths of these rows and judged on the last one, five times. It is
    taken if it lowers the Brier score (1950) by more than chance would: the more flexible one only
    where the simpler one is beaten. Also returns probabilities [rows, classes] as rows that taught
    the map nothing get them.
    """
    raw, classes = shares.astype(np.float32), shares.shape[1]
    fewest = int(np.bincount(target, minlength=classes).min())
    chosen, best, step, losses = "none", raw, fitted[-1], {"none": _losses(raw, target)}
    why = "no candidate is better by more than chance"
    if fewest < LEAST_CASES:
        why = f"a class has {fewest} validation rows, and it takes {LEAST_CASES} to calibrate"
    for name in _candidates(classes, fewest, len(target)):
        how, held_out = FITS[name](raw, target), _held_out(FITS[name], raw, target, seed)
        if how is None or held_out is None:
            continue
        losses[name] = _losses(held_out, target)
        gain = losses[chosen] - losses[name]
        if gain.mean() > SURE * gain.std(ddof=1) / len(gain) ** 0.5:
            chosen, best, step = name, held_out, Calibrated(fitted[-1], how)
            why = "it lowers the Brier score by more than chance"
    if len(losses) == 1 and fewest >= LEAST_CASES:
        why = (
            "no map fits: on validation rows what was called more probable came true no more often"
        )
    record = Calibration(
        method=chosen,
        rows=len(target),
        brier={name: round(float(each.mean()), 6) for name, each in losses.items()},
        reason=why,
    )
    name = fitted.steps[-1][0] if chosen == "none" else "calibrated"
    return Pipeline([*fitted.steps[:-1], (name, step)]), best, record


FITS: dict[str, maps.Fit] = {
    "sigmoid": maps.fit_sigmoid,
    "isotonic": maps.fit_isotonic,
    "temperature": maps.fit_temperature,
}


def _candidates(classes: int, fewest: int, rows: int) -> list[str]:
    """What may be tried on so many rows, `fewest` of the rarest class; the simplest first."""
    if fewest < LEAST_CASES:
        return []
    if classes > 2:
        return ["temperature"]
    return ["sigmoid", "isotonic"] if rows >= ISOTONIC_ROWS else ["sigmoid"]


def _held_out(
    fit: maps.Fit, raw: NDArray[Any], target: NDArray[Any], seed: int
) -> NDArray[Any] | None:
    """Each row mapped by what the other folds taught; None when a fold teaches nothing."""
    found = raw.copy()
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for others, own in folds.split(raw, target):
        how = fit(raw[others], target[others])
        if how is None:
            return None
        found[own] = how(raw[own])
    return found


def _losses(shares: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """The Brier score of each row; for two classes the usual half of the sum over both."""
    truth = pd.get_dummies(pd.Categorical(target, categories=range(shares.shape[1])))
    squares = ((shares - truth.to_numpy(float)) ** 2).sum(axis=1)
    return np.asarray(squares / 2 if shares.shape[1] == 2 else squares, dtype=np.float64)
