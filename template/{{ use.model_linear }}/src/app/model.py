"""The model family: linear. Every family offers FAMILY, SCALE and `build`."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge

FAMILY = "linear"
SCALE = True  # a penalty on the coefficients means something only when inputs share a scale


def build(task: str, params: dict[str, Any], seed: int) -> BaseEstimator:
    """An unfitted estimator for the task ("classification" or "regression").

    `params` are the keyword arguments of LogisticRegression or Ridge; unknown ones raise TypeError.
    """
    kind = LogisticRegression if task == "classification" else Ridge
    return kind(random_state=seed, **params)
