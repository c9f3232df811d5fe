"""From probabilities to an answer, in one place for training, servers, batches and monitoring."""

import numpy as np
from numpy.typing import NDArray

from engine.contract import app
from engine.contract.app import Scores
from engine.contract.schema import Contract


def decide(contract: Contract, scores: Scores) -> NDArray[np.intp]:
    """The position of the class that each row gets: the contract's answer, then `app/decide.py`.

    `scores` [rows, classes] holds probabilities in the order of the classes.
    """
    return app.decide().decide(by_contract(contract, scores), scores, contract.classes)


def by_contract(contract: Contract, scores: Scores) -> NDArray[np.intp]:
    """The positive class from the threshold on; without a threshold the most probable class.

    Both are compared as float32: that is what an exported model gives, wherever it runs.
    """
    if contract.threshold is None or contract.positive is None:
        most: NDArray[np.intp] = scores.argmax(axis=1)
        return most
    positive = contract.classes.index(contract.positive)
    reached = scores[:, positive].astype(np.float32) >= np.float32(contract.threshold)
    return np.where(reached, positive, 1 - positive)
