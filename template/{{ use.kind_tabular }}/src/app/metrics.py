"""Metrics of your own: what a mistake costs you. `gates.metric` in contract.toml may name one.

An example, for a classification whose second class costs ten times as much to miss:

    HIGHER_IS_BETTER = {"cost": False}

    def measure(contract, target, scores):
        said = decide(scores, contract.classes)
        missed, false = (target == 1) & (said == 0), (target == 0) & (said == 1)
        return {"cost": float((10 * missed + false).mean())}
"""

from typing import Any

from numpy.typing import NDArray

from engine.contract.app import Scores
from engine.contract.schema import Contract

HIGHER_IS_BETTER: dict[str, bool] = {}


def measure(contract: Contract, target: NDArray[Any], scores: Scores) -> dict[str, float]:
    """The value of each metric on some rows.

    `target` [rows] holds class positions or values, `scores` [rows, classes] probabilities or
    [rows, 1] values.
    """
    del contract, target, scores
    return {}
