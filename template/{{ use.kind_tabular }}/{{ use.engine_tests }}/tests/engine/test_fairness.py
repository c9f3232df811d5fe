"""The gap between groups is the one of Hardt, Price and Srebro, counted by hand here."""

from typing import Any

import numpy as np
import pytest

from engine.training.metrics import equalized_odds_difference


def gap(*groups: tuple[str, str]) -> float:
    """The gap between groups, each given as its true and its guessed labels, such as 1100."""
    truth, guess = (
        np.array([label == "1" for group in groups for label in group[side]]) for side in (0, 1)
    )
    ends = np.cumsum([len(group[0]) for group in groups])
    rows = [np.arange(end - len(group[0]), end) for group, end in zip(groups, ends, strict=True)]
    return equalized_odds_difference(truth, guess, rows)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        # true positive rates 1/2 and 3/4, false positive rates 1/4 and 1/4
        ([("11110000", "11001000"), ("11110000", "11101000")], 0.25),
        # true positive rates 1 and 1, false positive rates 1/4 and 3/4
        ([("110000", "111000"), ("110000", "111110")], 0.5),
        # three groups: the farthest two count, 1/4 and 1
        ([("11110", "10000"), ("11110", "11000"), ("11110", "11110")], 0.75),
        ([("1100", "1100"), ("110000", "110000")], 0.0),
        # nobody of the second group is positive, so only false positive rates are compared
        ([("1100", "1110"), ("0000", "1000")], 0.25),
        # and here neither rate is known of two groups
        ([("11", "10"), ("00", "00")], 0.0),
    ],
)
def test_the_larger_gap_of_the_two_rates_counts(groups: Any, expected: float) -> None:
    assert gap(*groups) == expected
    assert gap(*reversed(groups)) == expected
