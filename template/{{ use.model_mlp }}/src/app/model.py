"""The model family: a neural network. All have FAMILY, SCALE, ONE_HOT, build and search."""

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from engine.training.network import export
from engine.training.network.estimator import NetworkClassifier, NetworkRegressor

if TYPE_CHECKING:
    import optuna

FAMILY = "mlp"
SCALE = True  # gradient descent moves at the pace of the widest input
ONE_HOT = 100  # each value of a category has weights of its own


def build(task: str, params: dict[str, Any], seed: int, rows: int) -> BaseEstimator:
    """An unfitted estimator for the task ("classification" or "regression").

    `params` are the keyword arguments of `Network`; unknown ones raise TypeError. Without a
    batch_size among them, an epoch has about a hundred steps.
    """
    export.register()
    kind = NetworkClassifier if task == "classification" else NetworkRegressor
    batch_size = min(max(rows // 100, 16), 512)
    return kind(random_state=seed, **{"batch_size": batch_size, **params})


def search(trial: "optuna.Trial", task: str, rows: int) -> dict[str, Any]:
    """What `python3 run.py tune` tries; how many epochs are enough, early stopping finds."""
    del task, rows
    width = trial.suggest_categorical("width", [16, 32, 64, 128, 256])
    depth = trial.suggest_int("depth", 1, 3)
    return {
        "hidden": [width] * depth,
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1.0, log=True),
    }
