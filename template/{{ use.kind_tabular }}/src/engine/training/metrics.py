"""How good a model is: over all rows, and for whom."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.errors import ContractError

CLASSIFICATION = ("roc_auc", "accuracy", "balanced_accuracy", "f1", "log_loss")
REGRESSION = ("r2", "mae", "rmse")
LOWER_IS_BETTER = frozenset({"log_loss", "mae", "rmse"})
FINITE = 1e-12  # keeps a quotient finite when an error is zero


def higher_is_better(contract: Contract) -> bool:
    """Whether a larger value of the gate's metric is the better one.

    Raises ContractError when neither the engine nor `src/app/metrics.py` measures it.
    """
    name, own = contract.gates.metric, app.metrics().HIGHER_IS_BETTER
    known = CLASSIFICATION if contract.classes else REGRESSION
    if name not in (*known, *own):
        raise ContractError(
            f"gates.metric is {name!r}; for {contract.dataset.task} it must be one of "
            f"{', '.join((*known, *own))}, or a metric of src/app/metrics.py"
        )
    return own.get(name, name not in LOWER_IS_BETTER)


def metrics(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> dict[str, float]:
    """Every metric of the task, and those of `src/app/metrics.py`.

    `target` holds class positions or values [rows]; `scores` is [rows, classes] or [rows, 1].
    A metric that the rows leave undefined (one class only) is NaN.
    """
    return _of_the_task(contract, target, scores) | dict(
        app.metrics().measure(contract, target, scores)
    )


def _of_the_task(
    contract: Contract, target: NDArray[Any], scores: NDArray[Any]
) -> dict[str, float]:
    if not contract.classes:
        value = scores[:, 0]
        return {
            "r2": float(sk.r2_score(target, value)) if len(target) > 1 else float("nan"),
            "mae": float(sk.mean_absolute_error(target, value)),
            "rmse": float(sk.root_mean_squared_error(target, value)),
        }
    labels = np.arange(len(contract.classes))
    guess = decided(contract, scores)
    return {
        "roc_auc": _roc_auc(contract, target, scores),
        "accuracy": float(sk.accuracy_score(target, guess)),
        "balanced_accuracy": float(
            sk.recall_score(target, guess, average="macro", zero_division=0)
        ),
        "f1": _f1(contract, target, guess),
        "log_loss": float(sk.log_loss(target, scores, labels=labels)),
    }


def decided(contract: Contract, scores: NDArray[Any]) -> NDArray[Any]:
    """The position of the class that each row gets, by `src/app/decide.py`."""
    return app.decide().decide(scores, contract.classes)


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

    Binary: equalized odds difference. More classes: difference of accuracy. Regression: difference
    of mean absolute error over its mean.
    """
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
            positive = contract.classes.index(contract.positive)
            truth, guess = target == positive, decided(contract, scores) == positive
            gaps[name] = equalized_odds_difference(truth, guess, list(groups.values()))
        else:
            quality = [_quality(contract, target[rows], scores[rows]) for rows in groups.values()]
            scale = 1.0 if contract.classes else float(np.mean(quality)) + FINITE
            gaps[name] = (max(quality) - min(quality)) / scale
    return gaps


def equalized_odds_difference(
    truth: NDArray[np.bool_], guess: NDArray[np.bool_], groups: list[NDArray[np.intp]]
) -> float:
    """The larger of two gaps between groups of rows: in true and in false positive rates.

    Hardt, Price, Srebro 2016. A rate that no row of a group speaks of does not count.
    """
    gaps = []
    for actual in (True, False):
        asked = [guess[rows[truth[rows] == actual]] for rows in groups]
        rates = [float(guesses.mean()) for guesses in asked if len(guesses)]
        gaps.append(max(rates, default=0.0) - min(rates, default=0.0))
    return max(gaps)


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
        return float((decided(contract, scores) == target).mean())
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
