"""The model family: linear. All have FAMILY, SCALE, ONE_HOT, build and search."""

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge

if TYPE_CHECKING:
    import optuna

FAMILY = "linear"
SCALE = True  # a penalty on the coefficients means something only when inputs share a scale
ONE_HOT = 10_000  # a coefficient for each value of a category, however many: the penalty shrinks it


def build(task: str, params: dict[str, Any], seed: int, rows: int) -> BaseEstimator:
    """An unfitted estimator for the task ("classification" or "regression").

    `params` are the keyword arguments of LogisticRegression or Ridge; unknown ones raise TypeError.
    """
    del rows
    kind = LogisticRegression if task == "classification" else Ridge
    return kind(random_state=seed, **params)


def search(trial: "optuna.Trial", task: str, rows: int) -> dict[str, Any]:
    """What `python3 run.py tune` tries: the strength of the penalty."""
    del rows
    if task == "classification":
        return {"C": trial.suggest_float("C", 1e-4, 1e3, log=True)}
    return {"alpha": trial.suggest_float("alpha", 1e-4, 1e4, log=True)}
