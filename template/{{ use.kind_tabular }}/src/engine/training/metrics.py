"""How good a model is over some rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from engine.contract import app
from engine.contract.decision import decide
from engine.contract.schema import Contract
from engine.core.errors import ContractError
from engine.training.decision import threshold

CLASSIFICATION = (
    "roc_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "log_loss",
    "brier",
)
REGRESSION = ("r2", "mae", "rmse")
COST = "cost"  # of the mistakes, a row: where the contract says what both cost
LOWER_IS_BETTER = frozenset({"log_loss", "brier", COST, "mae", "rmse"})


def higher_is_better(contract: Contract) -> bool:
    """Whether a larger value of the gate's metric is the better one.

    Raises ContractError when neither the engine nor `src/app/metrics.py` measures it.
    """
    name, own = contract.gates.metric, app.metrics().HIGHER_IS_BETTER
    known = (*CLASSIFICATION, *((COST,) if contract.costs else ()))
    known = known if contract.classes else REGRESSION
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
    guess = decide(contract, scores)
    cost = {}
    if contract.costs and contract.positive is not None:
        positive = contract.classes.index(contract.positive)
        rows = threshold.spent(contract.costs, guess == positive, target == positive)
        cost = {COST: float(rows.mean())}
    return cost | {
        "roc_auc": _roc_auc(contract, target, scores),
        "average_precision": _average_precision(contract, target, scores),
        "accuracy": float(sk.accuracy_score(target, guess)),
        "balanced_accuracy": float(
            sk.recall_score(target, guess, average="macro", zero_division=0)
        ),
        "f1": _f1(contract, target, guess),
        "log_loss": float(sk.log_loss(target, scores, labels=labels)),
        "brier": float(sk.brier_score_loss(target, scores, labels=labels)),
    }


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


def _f1(contract: Contract, target: NDArray[Any], guess: NDArray[Any]) -> float:
    if contract.positive is None:
        return float(sk.f1_score(target, guess, average="macro", zero_division=0))
    positive = contract.classes.index(contract.positive)
    return float(sk.f1_score(target == positive, guess == positive, zero_division=0))
