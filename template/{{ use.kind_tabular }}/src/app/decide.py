"""From the probabilities of a classification to an answer: training, servers and batches ask here.

A serving image has numpy and nothing else that training needs, so this file may use no more.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.app import Scores


def decide(scores: Scores, classes: Sequence[str]) -> NDArray[np.intp]:
    """The position of the class that each row gets: the most probable one.

    `scores` [rows, classes] holds probabilities in the order of `classes`.
    """
    del classes
    most: NDArray[np.intp] = scores.argmax(axis=1)
    return most
