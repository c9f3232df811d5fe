"""Drift is found in the column that drifted and in no other, only when it is real and large."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.contract import example_rows as examples
from engine.contract.schema import Column, Contract, Dataset, Gates, Split
from engine.monitoring import drift, significance

from .made_up_log import table

Row = dict[str, Any]
Spoil = Callable[[Row], None]


def spoilers(contract: Contract) -> dict[str, Spoil]:
    """A fault for two of three columns: values gone, stuck, shifted, or of one kind more often."""
    chance = random.Random(0)

    def missing(name: str) -> Spoil:
        return lambda row: row.update({name: None}) if chance.random() < 0.3 else None

    def stuck(name: str, value: Any) -> Spoil:
        return lambda row: row.update({name: value})

    def shifted(name: str, by: float) -> Spoil:
        return lambda row: row.update({name: None if row[name] is None else row[name] + by})

    def more(name: str, value: Any) -> Spoil:
        return lambda row: row.update({name: value}) if chance.random() < 0.5 else None

    found: dict[str, Spoil] = {}
    for number, (name, column) in enumerate(contract.features.items()):
        if number % 3 == 2 or name in contract.personal:
            continue
        if column.nullable and number % 3 == 0:
            found[name] = missing(name)
        elif column.type == "boolean":
            found[name] = stuck(name, True)
        elif column.type == "category":
            found[name] = more(name, column.values[0])
        elif column.type in ("number", "integer"):
            low, high = examples.bounds(column)
            found[name] = shifted(name, (high - low) / 4) if number % 2 else stuck(name, low)
    return found


def test_the_columns_that_drifted_are_named_and_no_others(any_contract: Any) -> None:
    reference = table(any_contract, 3000, seed=1)
    faults = spoilers(any_contract)

    def spoil(row: Row) -> None:
        for fault in faults.values():
            fault(row)

    checks, _ = drift.compare(
        reference, table(any_contract, 1000, seed=2, change=spoil), any_contract
    )

    assert {check.column for check in checks if check.drifted} == faults.keys() != set()


def test_a_sample_of_the_same_kind_is_quiet(any_contract: Any) -> None:
    reference = table(any_contract, 3000, seed=1)

    checks, _ = drift.compare(reference, table(any_contract, 1000, seed=2), any_contract)

    assert checks
    assert not [check for check in checks if check.drifted]


@pytest.fixture
def one_number() -> Contract:
    """A contract of one number."""
    column = Column(type="number", nullable=True)
    return Contract(
        dataset=Dataset(source="", target="", task="regression"),
        split=Split(),
        columns={"size": column},
        gates=Gates(metric="mae", floor=1),
    )


def normal(count: int, mean: float, seed: int) -> Any:
    return pd.DataFrame({"size": np.random.default_rng(seed).normal(mean, 1, count)})


def test_a_trivial_shift_in_a_large_window_is_real_but_quiet(one_number: Any) -> None:
    checks, _ = drift.compare(normal(100_000, 0, 0), normal(100_000, 0.05, 1), one_number)

    assert [(check.real, check.drifted) for check in checks] == [(True, False)]


def test_a_large_distance_in_a_small_window_is_luck_and_quiet(one_number: Any) -> None:
    checks, _ = drift.compare(normal(3000, 0, 0), normal(100, 0.15, 4), one_number)

    assert [check.distance >= drift.LARGE for check in checks] == [True]
    assert not checks[0].drifted


def test_too_few_rows_are_not_compared(one_number: Any) -> None:
    few = normal(significance.LEAST_ROWS - 1, 5, 1)

    assert drift.compare(normal(3000, 0, 0), few, one_number) == ([], None)


def test_a_column_that_is_gone_is_reported_as_missing(one_number: Any) -> None:
    checks, _ = drift.compare(normal(3000, 0, 0), normal(500, 0, 1) * np.nan, one_number)

    assert [(check.what, check.drifted, check.fault) for check in checks] == [
        ("missing", True, True)
    ]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([1, 2, 3, 4, 5], [11, 12, 13, 14, 15], "median 3 -> 13"),
        ([3, 3, 3, 3, 3], [3, 3, 3, 3, 90], "95% quantile 3 -> 72.6"),
        ([0, 1, 3, 5, 6], [-9, -8, 3, 4, 6], "5% quantile 0.2 -> -8.8"),
    ],
)
def test_what_is_said_of_a_number_is_what_moved(
    before: list[float], now: list[float], said: str
) -> None:
    """Never a median that is the same before and after."""
    one, other = (pd.Series(values, dtype=float) for values in (before, now))

    assert drift.describe(one, other, "values") == (said, False)
