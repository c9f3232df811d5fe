"""The model family: gradient boosting. All have FAMILY, SCALE, ONE_HOT, build and search."""

from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

if TYPE_CHECKING:
    import optuna

FAMILY = "boosting"
SCALE = False  # rounding in a scaler moves values across split points; trees need none
ONE_HOT = 4  # a split on one value of many leaves too few rows on one side to be worth making
LARGE = 25_000  # training rows, from which larger trees find more than they imagine
HUGE = 250_000  # training rows, from which twice the rounds cost more than they gain


def build(task: str, params: dict[str, Any], seed: int, rows: int) -> BaseEstimator:
    """An unfitted estimator for the task ("classification" or "regression").

    `params` are the keyword arguments of HistGradientBoosting*; unknown ones raise TypeError. What
    they leave open follows the number of training rows.
    """
    classify = task == "classification"
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return kind(random_state=seed, **{**by_size(rows), **params})


def by_size(rows: int) -> dict[str, Any]:
    """Small trees for small tables; as many of them as the validation rows gain from."""
    return {
        "max_leaf_nodes": 31 if rows >= LARGE else 15,
        "min_samples_leaf": 20,
        "l2_regularization": 1.0,
        "learning_rate": 0.05 if rows < HUGE else 0.1,
        "max_iter": 1000,
        "early_stopping": True,
        "n_iter_no_change": 20,
    }


def search(trial: "optuna.Trial", task: str, rows: int) -> dict[str, Any]:
    """What `python3 run.py tune` tries; how many trees are enough, early stopping finds."""
    del task
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 127, log=True),
        "min_samples_leaf": trial.suggest_int(
            "min_samples_leaf", 5, max(10, min(200, rows // 20)), log=True
        ),
        "l2_regularization": trial.suggest_float("l2_regularization", 1e-3, 100.0, log=True),
        "max_features": trial.suggest_float("max_features", 0.3, 1.0),
    }
