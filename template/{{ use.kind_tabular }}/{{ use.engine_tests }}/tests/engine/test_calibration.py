"""Probabilities are mapped where that pays, in training and in model.onnx alike."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from engine.core.storage import Storage
from engine.registry import runs
from engine.registry.registry import Registry
from engine.training import export, pipeline
from engine.training.decision import calibration, maps, reliability

from .test_decision import contract, shares, true_rows


class Says:
    """A classifier whose probabilities are its inputs."""

    classes_ = np.array([0, 1])

    def predict_proba(self, rows: Any) -> Any:
        return np.asarray(rows, dtype=np.float64)


def overconfident(share: Any) -> Any:
    """Probabilities three times as far from a half, in log odds."""
    odds = 3 * np.log(share / (1 - share))
    return 1 / (1 + np.exp(-odds))


def tried(said: Any, target: Any) -> Any:
    return calibration.calibrate(make_pipeline(Says()), said, target, seed=0)


@pytest.mark.parametrize(
    ("rows", "turned", "said_why"),
    [(400, True, "no map fits"), (400, False, "by more than chance"), (30, True, "it takes 20")],
)
def test_why_nothing_was_mapped_is_what_happened(rows: int, turned: bool, said_why: str) -> None:
    said, target = true_rows(rows)

    _, _, record = tried(shares(1 - said if turned else said), target)

    assert record.method == "none"
    assert said_why in record.reason
    assert ({*record.brier} == {"none"}) == turned


FITTED = {
    "sigmoid": maps.fit_sigmoid,
    "isotonic": maps.fit_isotonic,
    "temperature": maps.fit_temperature,
}


@pytest.mark.parametrize("name", FITTED)
def test_a_map_says_the_same_as_a_graph_and_keeps_the_order(name: str) -> None:
    said, target = true_rows(3000)
    raw = shares(overconfident(said)).astype(np.float32)
    how = FITTED[name](raw, target)
    assert how is not None
    probes = shares(np.array([0, 1e-9, 1e-4, 0.2, 0.5, 0.999, 1])).astype(np.float32)
    probes = np.vstack([raw, probes])

    session = onnxruntime.InferenceSession(maps.traced(how, 2))
    exported = session.run(None, {"raw": probes})[0]

    assert np.abs(exported - how(probes)).max() < 1e-5
    assert exported.min() >= 0
    assert exported.max() <= 1
    np.testing.assert_allclose(exported.sum(axis=1), 1, atol=1e-6)
    order = np.argsort(probes[:, 1], kind="stable")
    assert np.diff(exported[order, 1]).min() >= -1e-6
    assert maps.traced(how, 2) == maps.traced(FITTED[name](raw, target), 2)


@pytest.mark.parametrize("name", FITTED)
def test_a_map_makes_probabilities_true_on_other_rows(name: str) -> None:
    said, target = true_rows(4000)
    other, came = true_rows(4000, seed=1)
    asked = contract().decided(None)
    how = FITTED[name](shares(overconfident(said)).astype(np.float32), target)
    assert how is not None
    raw = shares(overconfident(other)).astype(np.float32)

    before = reliability.reliability(asked, raw, came)
    after = reliability.reliability(asked, how(raw), came)

    assert before.error > 3 * before.by_chance
    assert after.error < before.error / 3


def test_probabilities_that_are_true_are_left_alone() -> None:
    said, target = true_rows(3000)

    _, held_out, record = tried(shares(said), target)

    assert record.method == "none"
    assert {*record.brier} == {"none", "sigmoid", "isotonic"}
    np.testing.assert_allclose(held_out, shares(said), atol=1e-6)


def test_overconfident_probabilities_are_mapped_by_the_simpler_one() -> None:
    said, target = true_rows(3000)

    fitted, held_out, record = tried(shares(overconfident(said)), target)

    assert record.method == "sigmoid"
    assert record.brier["sigmoid"] < record.brier["none"]
    mapped = fitted.predict_proba(shares(overconfident(said)))
    assert np.abs(mapped[:, 1] - said).mean() < 0.02
    assert 0 < np.abs(mapped - held_out).max() < 0.05  # each row by the others


def test_steps_are_mapped_by_the_flexible_one_on_many_rows_only() -> None:
    said, target = true_rows(20_000)
    steps = np.where(said < 0.5, said / 50 + 0.001, 0.99 + said / 200)

    assert tried(shares(steps), target)[2].method == "isotonic"
    assert "isotonic" not in tried(shares(steps[:900]), target[:900])[2].brier


def test_few_cases_are_not_calibrated_and_that_is_said() -> None:
    said, target = true_rows(3000)
    target[np.flatnonzero(target)[19:]] = 0

    _, _, record = tried(shares(said), target)

    assert (record.method, [*record.brier]) == ("none", ["none"])
    assert record.reason == "a class has 19 validation rows, and it takes 20 to calibrate"


def test_more_classes_get_one_temperature() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(0, 1.5, (3000, 3))
    true = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    target = np.array([chance.choice(3, p=row) for row in true])
    hot = np.exp(3 * logits) / np.exp(3 * logits).sum(1, keepdims=True)

    fitted, _, record = tried(hot, target)

    assert record.method == "temperature"
    assert fitted[-1].how.power == pytest.approx(1 / 3, abs=0.05)
    graph = onnxruntime.InferenceSession(maps.traced(fitted[-1].how, 3))
    found = graph.run(None, {"raw": hot.astype(np.float32)})[0]
    assert np.abs(found - fitted.predict_proba(hot)).max() < 1e-5


def test_a_falling_line_is_no_map() -> None:
    said, target = true_rows(500)

    assert maps.fit_sigmoid(shares(1 - said).astype(np.float32), target) is None
    assert maps.fit_isotonic(shares(1 - said).astype(np.float32), target) is None


def test_the_error_is_held_against_what_chance_makes_of_true_probabilities() -> None:
    asked = contract().decided(None)
    said, target = true_rows(500, seed=3)

    true = reliability.reliability(asked, shares(said), target)
    wrong = reliability.reliability(asked, shares(overconfident(said)), target)

    assert (sum(b.rows for b in true.bins), len(true.bins)) == (500, 10)
    assert true.error < true.by_chance < wrong.error
    assert all(b.low <= b.observed <= b.high for b in true.bins)


def test_rows_with_one_probability_are_one_bin() -> None:
    found = reliability.reliability(contract(), shares([0.25] * 8), np.array([1, 1] + [0] * 6))

    [only] = found.bins
    assert (only.rows, only.predicted, only.observed, found.error) == (8, 0.25, 0.25, 0)
    assert reliability.drawn(only) == "..----*--------.........."


@pytest.mark.parametrize(
    "how",
    [
        maps.Sigmoid(0.4, -0.3),
        maps.Isotonic((-2.0, -0.5, 0.0, 3.0), (0.01, 0.4, 0.45, 0.9)),
        maps.Temperature(0.3),
    ],
)
def test_a_calibrated_model_is_exported_as_it_was_fitted(how: maps.Map) -> None:
    asked, chance = contract(), np.random.default_rng(0)
    numbers = chance.normal(size=(400, 1)).astype(np.float32)
    inputs = (numbers, np.empty((400, 0), dtype=object))
    target = (numbers[:, 0] + chance.normal(size=400) > 0).astype(np.intp)
    rows = pipeline.Part(inputs, target)
    fitted = pipeline.fit(asked, rows, rows, {}, 0)
    step = calibration.Calibrated(fitted[-1], how)
    mapped = Pipeline([*fitted.steps[:-1], ("calibrated", step)])

    content = export.to_onnx(mapped, asked)
    session = onnxruntime.InferenceSession(content)
    found = session.run(None, {"numbers": numbers})

    assert len(found) == 1
    assert np.abs(found[-1] - pipeline.scores(mapped, inputs)).max() < 1e-5
    assert np.abs(found[-1] - pipeline.scores(fitted, inputs)).max() > 0.01
    assert content == export.to_onnx(mapped, asked)


def test_training_records_what_was_tried(trained: Path) -> None:
    store = Storage(trained / "store")
    _, bundle = Registry(store).load()
    record = runs.load(store, bundle.manifest.run_id)
    card = (trained / "MODEL_CARD.md").read_text(encoding="utf-8")

    if not bundle.contract.classes:
        assert (record.calibration, record.reliability) == (None, None)
        assert "Are the probabilities true?" not in card
        return
    assert record.calibration is not None
    assert record.reliability is not None
    assert sum(each.rows for each in record.reliability.bins) == record.rows["test"]
    assert record.calibration.reason in card
    assert all(f"`{reliability.drawn(each)}`" in card for each in record.reliability.bins)
