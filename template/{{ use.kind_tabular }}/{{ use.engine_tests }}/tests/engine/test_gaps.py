"""Gaps between groups: counted by hand, with bounds that other implementations confirm."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engine.contract.read import parse_contract
from engine.contract.schema import Column
from engine.training.gates import groups, intervals, measures
from engine.training.gates.intervals import Sample
from engine.training.gates.measures import Measure

VALUES = """
[dataset]
source = "data/rows.csv"
task = "regression"
target = "price"

[gates]
metric = "r2"

[columns.size]
type = "number"

[columns.shop]
type = "category"
values = ["a", "b"]
"""


def rates(*given: tuple[str, str], least: int = 1) -> groups.Compared:
    """Groups compared, each given as its true and its guessed labels, such as 1100."""
    truth, said = (np.array([int(label) for pair in given for label in pair[i]]) for i in (0, 1))
    codes = np.repeat(np.arange(len(given)), [len(pair[0]) for pair in given])
    both = [
        Measure("tpr", said.astype(float), truth == 1, is_share=True, less_is_worse=True),
        Measure("fpr", said.astype(float), truth == 0, is_share=True, less_is_worse=False),
    ]
    names = [f"g{number}" for number in range(len(given))]
    return groups.between("who", codes, names, both, least)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # true positive rates 1/2 and 3/4, false positive rates 1/4 and 1/4
        ([("11110000", "11001000"), ("11110000", "11101000")], {("tpr", "g0", "g1"): 0.25}),
        # true positive rates 1 and 1, false positive rates 1/4 and 3/4: more is worse
        ([("110000", "111000"), ("110000", "111110")], {("fpr", "g1", "g0"): 0.5}),
        # three groups, every two of them
        (
            [("1111", "1000"), ("1111", "1100"), ("1111", "1111")],
            {("tpr", "g0", "g1"): 0.25, ("tpr", "g0", "g2"): 0.75, ("tpr", "g1", "g2"): 0.5},
        ),
        # nobody of the second group is positive, so only false positive rates are compared
        ([("1100", "1110"), ("0000", "1000")], {("fpr", "g0", "g1"): 0.25}),
        # and here neither rate is known of two groups
        ([("11", "10"), ("00", "00")], {}),
    ],
)
def test_every_two_groups_are_compared_in_what_both_have(given: Any, expected: Any) -> None:
    found = {(g.worse.measure, g.worse.name, g.better.name): g.value for g in rates(*given).gaps}

    assert {pair: value for pair, value in found.items() if value} == expected


def test_a_group_counts_by_the_rows_that_its_rate_is_a_share_of() -> None:
    """Sixty rows, five of them positive: enough for one rate, and not for the other."""
    small, large = ("1" * 5 + "0" * 55, "1" * 60), ("1" * 30 + "0" * 30, "1" * 60)

    found = rates(small, large, large, least=20)

    assert {
        gap.worse.measure for gap in found.gaps if "g0" in (gap.worse.name, gap.better.name)
    } == {"fpr"}
    assert [(g.name, g.measure, g.rows) for g in found.groups if g.value is None] == [
        ("g0", "tpr", 5)
    ]


def one(rows: float, mean: float, variance: float = 0.0) -> Sample:
    return Sample(np.array([rows]), np.array([mean]), np.array([variance]))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # table II of Newcombe 1998, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_bounds_of_shares_are_those_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    pair = [one(rows, hits / rows) for hits, rows in (first, second)]

    [lower], [upper] = intervals.bounds(*pair, 1, share=True)

    assert (round(float(lower), 4), round(float(upper), 4)) == (low, high)


def test_bounds_of_means_are_those_of_scipy() -> None:
    chance = np.random.default_rng(3)
    first, second = chance.gamma(2, 1, 30), chance.gamma(2, 3, 50)
    pair = [one(len(some), some.mean(), some.var(ddof=1)) for some in (first, second)]
    for comparisons in (1, 10):
        level = 1 - 0.05 / comparisons
        expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(level)

        [lower], [upper] = intervals.bounds(*pair, comparisons, share=False)

        assert (lower, upper) == pytest.approx((expected.low, expected.high))


def test_bounds_hold_for_all_comparisons_together() -> None:
    """Of two hundred models that treat eight groups alike, hardly ten may seem not to."""
    chance, wrong = np.random.default_rng(5), 0
    codes = np.repeat(np.arange(8), 60)
    for _ in range(200):
        right = (chance.random(len(codes)) < 0.8).astype(float)
        measure = Measure("right", right, right >= 0, is_share=True, less_is_worse=True)
        found = groups.between("g", codes, list("abcdefgh"), [measure], 20)
        wrong += any(gap.low > 0 for gap in found.gaps)

    assert wrong <= 10


def test_the_rest_of_a_sample_is_all_other_rows() -> None:
    chance = np.random.default_rng(7)
    codes, values = chance.integers(-1, 3, 90), chance.random(90)

    rest = intervals.others(intervals.sample(codes, values, 3), values)

    for group in range(3):
        outside = values[codes != group]
        assert (rest.rows[group], rest.mean[group], rest.variance[group]) == pytest.approx(
            (len(outside), outside.mean(), outside.var(ddof=1))
        )


def priced(error: Any) -> groups.Compared:
    """Slices of prices from cents to thousands, each estimated with this relative error [rows]."""
    chance = np.random.default_rng(11)
    size = chance.normal(0, 1, 3000)
    price = np.exp(6 + 1.5 * size)
    shop = np.array(["a", "b"])[chance.integers(0, 2, 3000)]
    said = price * np.exp(error(chance, shop))
    frame = pd.DataFrame({"size": size, "shop": shop})
    return groups.slices(parse_contract(VALUES), frame, price, said[:, None])


def test_a_slice_of_large_values_is_not_worse_for_being_large() -> None:
    found = priced(lambda chance, _: chance.normal(0, 0.1, 3000))

    maes = [gap.worse.mae for gap in found.gaps if gap.worse.column == "size"]
    assert max(maes) > 5 * min(maes)
    assert max(abs(gap.value) for gap in found.gaps) < 0.02


def test_a_slice_with_worse_estimates_is_worse() -> None:
    found = priced(lambda chance, shop: chance.normal(0, np.where(shop == "b", 1.0, 0.1)))

    [gap] = [gap for gap in found.gaps if (gap.worse.column, gap.worse.name) == ("shop", "b")]
    assert gap.low > 0.1


def test_the_error_counts_rows_and_not_units() -> None:
    target, said = np.array([1.0, 2, 3, 4, 1000]), np.array([2.0, 2, 3, 1000, 9999])

    error = measures.error_in_probability_space(target, said)

    assert error == pytest.approx([0.2, 0, 0, 0.2, 0])


def test_the_groups_of_a_personal_column_are_not_named() -> None:
    values = pd.Series(["Smith", "Jones", None, "Smith"])

    codes, names = groups.grouped(values, Column(type="category", personal=True))

    assert (codes.tolist(), names) == ([0, 1, -1, 0], ["group 1", "group 2"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (list(range(12)), {"0 to 3": 4, "4 to 7": 4, "8 to 11": 4}),
        ([0] * 40 + list(range(1, 12)), {"0 to 0": 40, "1 to 11": 11}),
        ([11] * 40 + list(range(11)), {"0 to 10": 11, "11 to 11": 40}),
        ([None, *range(12)], {"0 to 3": 4, "4 to 7": 4, "8 to 11": 4}),
        ([1, 2, 2, None], {"1": 1, "2": 2}),
    ],
)
def test_many_numbers_are_thirds_and_a_value_that_fills_one_stands_alone(
    values: list[Any], expected: dict[str, int]
) -> None:
    codes, names = groups.grouped(pd.Series(values, dtype="float64"), Column(type="number"))

    assert {name: int((codes == i).sum()) for i, name in enumerate(names)} == expected
    assert (codes == -1).sum() == pd.Series(values).isna().sum()


def test_a_slice_of_all_rows_is_none() -> None:
    contract = parse_contract(VALUES)
    frame = pd.DataFrame({"size": np.zeros(100), "shop": ["a"] * 97 + ["b"] * 3})
    price = np.arange(100.0)

    found = groups.slices(contract, frame, price, price[:, None])

    assert found.gaps == []
    assert [(group.name, group.rows) for group in found.groups] == [("shop = b", 3)]


def test_the_groups_of_a_boolean_are_true_and_false() -> None:
    _, names = groups.grouped(pd.Series([1.0, None, 0.0]), Column(type="boolean"))

    assert names == ["true", "false"]
