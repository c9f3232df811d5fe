"""How good a model is over some rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from engine.contract import app
from engine.contract.decision import decide
from engine.contract.schema import Contract
from engine.core.errors import ContractError
from engine.training.decision import threshold

Measure = Callable[[Contract, NDArray[Any], NDArray[Any]], float]

COST = "cost"  # of the mistakes, a row: where the contract says what both cost
LOWER_IS_BETTER = frozenset({"log_loss", "brier", COST, "mae", "rmse"})


def higher_is_better(contract: Contract) -> bool:
    """Whether a larger value of the gate's metric is the better one.

    Raises ContractError when neither the engine nor `src/app/metrics.py` measures it.
    """
    name, own = contract.gates.metric, app.metrics().HIGHER_IS_BETTER
    known = _measures(contract)
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
    found = {
        name: measure(contract, target, scores) for name, measure in _measures(contract).items()
    }
    return found | dict(app.metrics().measure(contract, target, scores))


def gates_metric(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    """The metric that the gates look at, alone: where it is asked for hundreds of times."""
    name = contract.gates.metric
    if measure := _measures(contract).get(name):
        return measure(contract, target, scores)
    return float(app.metrics().measure(contract, target, scores)[name])


def _measures(contract: Contract) -> dict[str, Measure]:
    """What is measured for the task, by name."""
    if not contract.classes:
        return REGRESSION
    return {COST: _cost, **CLASSIFICATION} if contract.costs else CLASSIFICATION


def _cost(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    assert contract.costs
    assert contract.positive is not None
    positive, guess = contract.classes.index(contract.positive), decide(contract, scores)
    rows = threshold.spent(contract.costs, guess == positive, target == positive)
    return float(rows.mean())


def _accuracy(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(sk.accuracy_score(target, decide(contract, scores)))


def _balanced_accuracy(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    guess = decide(contract, scores)
    return float(sk.recall_score(target, guess, average="macro", zero_division=0))


def _roc_auc(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    if len(np.unique(target)) < len(contract.classes):
        return float("nan")
    if contract.positive is not None:
        positive = contract.classes.index(contract.positive)
        return float(sk.roc_auc_score(target == positive, scores[:, positive]))
    return float(sk.roc_auc_score(target, scores, multi_class="ovr"))


def _average_precision(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    """The area under the precision-recall curve; guessing reaches the share of the class."""
    asked = range(len(contract.classes))
    if contract.positive is not None:
        asked = range(at := contract.classes.index(contract.positive), at + 1)
    if not {*asked} <= {*np.unique(target)}:
        return float("nan")
    found = [sk.average_precision_score(target == each, scores[:, each]) for each in asked]
    return float(np.mean(found))


def _f1(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    guess = decide(contract, scores)
    if contract.positive is None:
        return float(sk.f1_score(target, guess, average="macro", zero_division=0))
    positive = contract.classes.index(contract.positive)
    return float(sk.f1_score(target == positive, guess == positive, zero_division=0))


def _log_loss(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(sk.log_loss(target, scores, labels=np.arange(len(contract.classes))))


def _brier(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(sk.brier_score_loss(target, scores, labels=np.arange(len(contract.classes))))


def _r2(_: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(sk.r2_score(target, scores[:, 0])) if len(target) > 1 else float("nan")


def _mae(_: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(sk.mean_absolute_error(target, scores[:, 0]))


def _rmse(_: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(sk.root_mean_squared_error(target, scores[:, 0]))


CLASSIFICATION: dict[str, Measure] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "log_loss": _log_loss,
    "brier": _brier,
}
REGRESSION: dict[str, Measure] = {"r2": _r2, "mae": _mae, "rmse": _rmse}
