"""Metrics of your own: how good an answer is for you. `gates.metric` in contract.toml may name one.

What mistakes cost stands in contract.toml under `[decision]`; the metric `cost` comes with it. An
example of another one, when a hundred cases can be looked at and no more:

    HIGHER_IS_BETTER = {"hits_in_100": True}

    def measure(contract, target, scores):
        positive = contract.classes.index(contract.positive)
        first = scores[:, positive].argsort()[-100:]
        return {"hits_in_100": float((target[first] == positive).sum())}
"""

from typing import Any

from numpy.typing import NDArray

from engine.contract.app import Scores
from engine.contract.schema import Contract

HIGHER_IS_BETTER: dict[str, bool] = {}


def measure(contract: Contract, target: NDArray[Any], scores: Scores) -> dict[str, float]:
    """The value of each metric on some rows.

    `target` [rows] holds class positions or values, `scores` [rows, classes] probabilities or
    [rows, 1] values. `engine.contract.decision.decide(contract, scores)` gives the answers.
    """
    del contract, target, scores
    return {}
