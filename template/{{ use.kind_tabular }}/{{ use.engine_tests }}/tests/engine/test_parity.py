"""The exported model decides like the fitted one, even where a value lies on a split point."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from engine.contract.read import parse_contract
from engine.training import export as convert
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


@pytest.mark.parametrize("step", [0.1, 0.01, 1 / 3])
def test_values_between_those_learnt_from_fall_on_the_same_side(step: float) -> None:
    how = parse_contract(TEXT)
    grid = (np.arange(150) * step).astype(np.float32).reshape(-1, 1)
    none = np.empty((len(grid), 0), dtype=object)
    rows = pipeline.Part(
        (np.repeat(grid, 20, 0), np.repeat(none, 20, 0)),
        np.tile(np.arange(20.0), 150) / 100 + np.repeat(np.arange(150) % 7, 20),
    )
    fitted = pipeline.fit(how, rows, rows, {}, 0)
    middle = ((grid[1:] + grid[:-1]) / 2).astype(np.float32)
    probes = np.vstack([middle, np.nextafter(middle, np.float32(np.inf)), grid])

    session = onnxruntime.InferenceSession(convert.to_onnx(fitted, how))
    exported = session.run(None, {"numbers": probes})[-1]

    own = pipeline.scores(fitted, (probes, np.empty((len(probes), 0), dtype=object)))
    assert np.abs(exported.reshape(-1) - own.reshape(-1)).max() < 1e-4


MANY = """
[dataset]
source = "rows.csv"
target = "y"
task = "{task}"
{classes}
[split]
[columns.x]
type = "number"
[columns.shop]
type = "category"
nullable = true
unknown = "missing"
values = [{values}]
[gates]
metric = "r2"
floor = 0
"""
SHOPS = [f"s{number}" for number in range(40)]


def many(kind: str, rows: int = 900) -> tuple[Any, list[pipeline.Part]]:
    """A contract with a category of 40 values that decide the outcome, and three parts."""
    classes = {
        "binary": 'classes = ["a", "b"]\npositive = "b"',
        "three": 'classes = ["a", "b", "c"]',
    }
    task = "regression" if kind == "value" else "classification"
    values = ", ".join(f'"{shop}"' for shop in SHOPS)
    how = parse_contract(MANY.format(task=task, classes=classes.get(kind, ""), values=values))
    chance = np.random.default_rng(0)
    effect = chance.normal(size=len(SHOPS))

    def part() -> pipeline.Part:
        number, shop = chance.normal(size=rows), chance.integers(0, len(SHOPS), rows)
        signal = number + 2 * effect[shop] + chance.normal(size=rows)
        target = {"value": signal, "binary": signal > 0, "three": np.digitize(signal, [-1, 1])}
        texts = np.array(SHOPS, dtype=object)[shop].reshape(-1, 1)
        kept = target[kind].astype(float if kind == "value" else np.int64)
        return pipeline.Part((number.astype(np.float32).reshape(-1, 1), texts), kept)

    return how, [part(), part(), part()]


@pytest.mark.parametrize("kind", ["binary", "three", "value"])
def test_a_category_of_many_values_is_exported_as_it_was_fitted(kind: str) -> None:
    how, (training, validation, test) = many(kind)
    fitted = pipeline.fit(how, training, validation, {}, 0)
    numbers, texts = convert.disturbed(test.inputs)

    session = onnxruntime.InferenceSession(convert.to_onnx(fitted, how))
    said = session.run(None, {"numbers": numbers, "categories": texts})[-1]

    own = pipeline.scores(fitted, (numbers, texts))
    assert np.abs(said.reshape(own.shape) - own).max() < 1e-5 * max(1, np.abs(own).max())


def test_a_category_of_many_values_is_learnt_as_well_as_native_ones() -> None:
    how, (training, validation, test) = many("binary")
    fitted = pipeline.fit(how, training, validation, {}, 0)
    native = HistGradientBoostingClassifier(categorical_features=[1], random_state=0)

    def codes(part: pipeline.Part) -> Any:
        return np.column_stack([part.inputs[0], [SHOPS.index(t) for t in part.inputs[1][:, 0]]])

    ours = pipeline.scores(fitted, test.inputs)[:, 1]
    theirs = native.fit(codes(training), training.target).predict_proba(codes(test))[:, 1]

    mine = roc_auc_score(test.target, ours)
    assert mine > 0.85
    assert mine >= 0.995 * roc_auc_score(test.target, theirs)
