"""The model family: a neural network. Every family offers FAMILY, SCALE and `build`."""

from typing import Any

from sklearn.base import BaseEstimator

from engine.training import network_export
from engine.training.network import NetworkClassifier, NetworkRegressor

FAMILY = "mlp"
SCALE = True  # gradient descent moves at the pace of the widest input


def build(task: str, params: dict[str, Any], seed: int) -> BaseEstimator:
    """An unfitted estimator for the task ("classification" or "regression").

    `params` are the keyword arguments of `network.Network`; unknown ones raise TypeError.
    """
    network_export.register()
    kind = NetworkClassifier if task == "classification" else NetworkRegressor
    return kind(random_state=seed, **params)
