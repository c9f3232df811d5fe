"""How good a model is: over all rows, and for whom."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk

from .contract import Contract

FINITE = 1e-12  # keeps a quotient finite when an error is zero


def metrics(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> dict[str, float]:
    """Every metric of the task.

    `target` holds class positions or values [rows]; `scores` is [rows, classes] or [rows, 1].
    A metric that the rows leave undefined (one class only) is NaN.
    """
    if not contract.classes:
        value = scores[:, 0]
        return {
            "r2": float(sk.r2_score(target, value)) if len(target) > 1 else float("nan"),
            "mae": float(sk.mean_absolute_error(target, value)),
            "rmse": float(sk.root_mean_squared_error(target, value)),
        }
    labels = np.arange(len(contract.classes))
    guess = scores.argmax(axis=1)
    return {
        "roc_auc": _roc_auc(contract, target, scores),
        "accuracy": float(sk.accuracy_score(target, guess)),
        "balanced_accuracy": float(
            sk.recall_score(target, guess, average="macro", zero_division=0)
        ),
        "f1": _f1(contract, target, guess),
        "log_loss": float(sk.log_loss(target, scores, labels=labels)),
    }


def slices(
    contract: Contract, frame: pd.DataFrame, target: NDArray[Any], scores: NDArray[Any]
) -> list[dict[str, Any]]:
    """The model's quality in each group of rows that is large enough to judge.

    Quality is accuracy for classification and the mean absolute error for regression: both are
    defined in every group. Each entry: column, group, rows, quality.
    """
    found = []
    for name in contract.columns:
        column = contract.columns[name]
        if column.role not in ("feature", "audit") or column.personal or column.type == "datetime":
            continue
        for group, rows in _groups(frame[name]).items():
            if len(rows) >= contract.gates.slice_rows:
                quality = _quality(contract, target[rows], scores[rows])
                found.append(
                    {"column": name, "group": group, "rows": len(rows), "quality": quality}
                )
    return found


def fairness(
    contract: Contract, frame: pd.DataFrame, target: NDArray[Any], scores: NDArray[Any]
) -> dict[str, float | None]:
    """The gap between groups of each sensitive column; None when no two groups are large enough.

    Binary: equalized odds difference (Hardt, Price, Srebro 2016, as fairlearn computes it). More
    classes: difference of accuracy. Regression: difference of mean absolute error over its mean.
    """
    from fairlearn.metrics import equalized_odds_difference

    gaps: dict[str, float | None] = {}
    for name in contract.sensitive:
        groups = {
            group: rows
            for group, rows in _groups(frame[name]).items()
            if len(rows) >= contract.gates.slice_rows
        }
        if len(groups) < 2:
            gaps[name] = None
            continue
        if contract.positive is not None:
            rows = np.concatenate(list(groups.values()))
            names = np.concatenate([np.full(len(r), group) for group, r in groups.items()])
            positive = contract.classes.index(contract.positive)
            truth, guess = target[rows] == positive, scores[rows].argmax(axis=1) == positive
            gaps[name] = float(equalized_odds_difference(truth, guess, sensitive_features=names))
        else:
            quality = [_quality(contract, target[rows], scores[rows]) for rows in groups.values()]
            scale = 1.0 if contract.classes else float(np.mean(quality)) + FINITE
            gaps[name] = (max(quality) - min(quality)) / scale
    return gaps


def _roc_auc(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    if len(np.unique(target)) < len(contract.classes):
        return float("nan")
    if contract.positive is not None:
        positive = contract.classes.index(contract.positive)
        return float(sk.roc_auc_score(target == positive, scores[:, positive]))
    return float(sk.roc_auc_score(target, scores, multi_class="ovr"))


def _f1(contract: Contract, target: NDArray[Any], guess: NDArray[Any]) -> float:
    if contract.positive is None:
        return float(sk.f1_score(target, guess, average="macro", zero_division=0))
    positive = contract.classes.index(contract.positive)
    return float(sk.f1_score(target == positive, guess == positive, zero_division=0))


def _quality(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    if contract.classes:
        return float((scores.argmax(axis=1) == target).mean())
    return float(np.abs(scores[:, 0] - target).mean())


def _groups(values: pd.Series) -> dict[str, NDArray[np.intp]]:
    """Row positions by group: each value, or thirds of a column with more than ten numbers."""
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values) and known.nunique() > 10:
        thirds = pd.qcut(values, 3, duplicates="drop").cat
        values = thirds.rename_categories(
            [f"{i.left:.4g} to {i.right:.4g}" for i in thirds.categories]
        )
    codes, names = pd.factorize(values)
    return {str(name): np.flatnonzero(codes == code) for code, name in enumerate(names)}
