"""Boosting follows the size of the table, stops on the validation rows, and obeys params.toml."""

from typing import Any

import numpy as np
import pytest

from app import model
from engine.contract.read import parse_contract
from engine.training import pipeline

TEXT = """
[dataset]
source = "rows.csv"
target = "y"
task = "regression"
[split]
[columns.x]
type = "number"
[gates]
metric = "r2"
floor = 0
"""


def part(seed: int, noise: float, rows: int = 400) -> pipeline.Part:
    """Rows whose target follows `x`, more or less."""
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(rows, 1)).astype(np.float32)
    none = np.empty((rows, 0), dtype=object)
    return pipeline.Part((x, none), np.sin(3 * x[:, 0]) + noise * chance.normal(size=rows))


def fitted(noise: float, **params: Any) -> Any:
    how = parse_contract(TEXT)
    return pipeline.fit(how, part(0, noise), part(1, noise), params, 0)[-1]


def test_larger_tables_get_larger_trees() -> None:
    small, large = (model.build("classification", {}, 0, rows) for rows in (500, 100_000))

    assert small.max_leaf_nodes < large.max_leaf_nodes


def test_rounds_end_when_the_validation_rows_get_no_better() -> None:
    noisy, clean = fitted(2.0), fitted(0.01)

    assert noisy.n_iter_ < clean.n_iter_ <= noisy.max_iter
    assert len(noisy.validation_score_) == noisy.n_iter_ + 1


def test_the_validation_rows_decide_where_it_ends() -> None:
    how, training = parse_contract(TEXT), part(0, 0.5)
    first, other = (
        pipeline.fit(how, training, watched, {}, 0)[-1] for watched in (training, part(1, 0.5))
    )

    assert first.n_iter_ > other.n_iter_


@pytest.mark.parametrize("params", [{"max_iter": 7}, {"max_iter": 7, "early_stopping": False}])
def test_what_params_toml_says_wins(params: dict[str, Any]) -> None:
    found = fitted(0.01, max_leaf_nodes=5, **params)

    assert (found.n_iter_, found.max_leaf_nodes) == (7, 5)
    said = pipeline.hyperparameters(found)
    assert said["n_iter_"] == 7
    assert said["max_leaf_nodes"] == 5


def test_a_run_repeats_itself() -> None:
    assert (
        fitted(0.5).predict(np.arange(9.0).reshape(-1, 1))
        == fitted(0.5).predict(np.arange(9.0).reshape(-1, 1))
    ).all()
