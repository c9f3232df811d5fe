"""The model family: gradient boosting. Every family offers FAMILY, SCALE and `build`."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

FAMILY = "boosting"
SCALE = False  # rounding in a scaler moves values across split points; trees need none


def build(task: str, params: dict[str, Any], seed: int) -> BaseEstimator:
    """An unfitted estimator for the task ("classification" or "regression").

    `params` are the keyword arguments of HistGradientBoosting*; unknown ones raise TypeError.
    """
    classify = task == "classification"
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return kind(random_state=seed, **params)
