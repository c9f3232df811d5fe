"""Beside every model stands a plain linear one: what the heavier model buys is measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from app import model
from engine.contract.read import load_contract
from engine.core.settings import load_settings
from engine.training import pipeline, train
from engine.training.gates.check import OVER_REFERENCE

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"
IS_LINEAR = model.FAMILY == "linear"


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A project of its own with open gates, as the working folder."""
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml")) as folder:
        yield folder


def over_reference(record: Any) -> Any:
    [gate] = [gate for gate in record.gates if gate.name == OVER_REFERENCE]
    return gate


@pytest.mark.usefixtures("small")
def test_the_record_has_the_metrics_of_the_linear_reference() -> None:
    record = train.train(load_settings(env={}))
    gate = over_reference(record)

    assert not gate.failed
    if IS_LINEAR:
        assert gate.value is None
        assert record.reference_rows == 0
        assert not [name for name in record.metrics if name.startswith("reference.")]
    else:
        metric = load_contract().gates.metric
        gain = record.metrics[f"test.{metric}"] - record.metrics[f"reference.{metric}"]
        assert gate.value == pytest.approx(gain)
        assert record.metrics[f"reference.{metric}"] > record.metrics[f"baseline.{metric}"]
        assert record.reference_rows == record.rows["train"]


@pytest.mark.skipif(IS_LINEAR, reason="the model is the reference")
def test_a_margin_over_the_reference_blocks_once_it_is_written(small: Path) -> None:
    contract = small / "contract.toml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("[gates]", "[gates]\nreference_margin = 0.9"))

    record = train.train(load_settings(env={}))

    assert OVER_REFERENCE in record.failed


def test_the_card_says_what_the_reference_is(trained: Path) -> None:
    text = (trained / "MODEL_CARD.md").read_text(encoding="utf-8")

    if IS_LINEAR:
        assert "The model is linear itself." in text
    else:
        assert "| metric | model | linear reference | baseline |" in text
        assert "training rows: what the model gains over it is what it buys." in text


@pytest.mark.usefixtures("small")
def test_on_many_rows_the_reference_learns_from_some_and_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "REFERENCE_ROWS", 100)
    how = replace(load_contract())
    chance = np.random.default_rng(0)
    numbers = chance.normal(size=(400, len(how.numbers))).astype(np.float32)
    texts = np.array(
        [[how.features[name].values[0] for name in how.categories]] * 400, dtype=object
    ).reshape(400, len(how.categories))
    rows = pipeline.Part((numbers, texts), chance.integers(0, len(how.classes), 400))

    first, count = pipeline.linear_reference(how, rows, rows, 0)
    again, _ = pipeline.linear_reference(how, rows, rows, 0)

    assert count == 100
    assert (pipeline.scores(first, rows.inputs) == pipeline.scores(again, rows.inputs)).all()
