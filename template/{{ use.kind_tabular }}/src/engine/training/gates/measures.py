"""What is compared between groups of rows: rates of a yes or no, accuracy, or an error."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.contract.decision import decide
from engine.contract.schema import Contract


class Measure(NamedTuple):
    """A value of each row, whose mean tells how a group of rows fares."""

    name: str
    values: NDArray[np.floating]
    over: NDArray[np.bool_]
    """The rows that the mean is taken over."""
    is_share: bool
    less_is_worse: bool


def rates(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> list[Measure]:
    """What groups of people are compared by: with two classes, how each is called the positive one.

    The true and the false positive rate (equalized odds; Hardt, Price and Srebro 2016); for more
    classes and for a regression the `quality`. `scores` is [rows, classes] or [rows, 1].
    """
    if contract.positive is None:
        return [quality(contract, target, scores)]
    positive = contract.classes.index(contract.positive)
    truth = target == positive
    said = (decide(contract, scores) == positive).astype(float)
    return [
        Measure("true positive rate", said, truth, is_share=True, less_is_worse=True),
        Measure("false positive rate", said, ~truth, is_share=True, less_is_worse=False),
    ]


def quality(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> Measure:
    """What slices are compared by: accuracy, or the error in probability space."""
    every = np.ones(len(target), dtype=bool)
    if contract.classes:
        right = (decide(contract, scores) == target).astype(float)
        return Measure("accuracy", right, every, is_share=True, less_is_worse=True)
    error = error_in_probability_space(target, scores[:, 0])
    name = "error in probability space"
    return Measure(name, error, every, is_share=False, less_is_worse=False)


def error_in_probability_space(target: NDArray[Any], value: NDArray[Any]) -> NDArray[np.floating]:
    """How far apart both lie among the targets of all rows: 0.1 is a tenth of the rows.

    The linear error in probability space of Ward and Folland (1991): where the target is skewed, an
    error of 600 in 8000 weighs no more than one of 60 in 800.
    """
    known, counts = np.unique(target, return_counts=True)
    share = (np.cumsum(counts) - counts / 2) / len(target)
    error: NDArray[np.floating] = np.abs(
        np.interp(target, known, share) - np.interp(value, known, share)
    )
    return error
