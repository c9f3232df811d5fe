"""The model is worth having, is what was fitted, answers sensibly, and can be taken back."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.storage import Storage
from engine.data.read import feature_values
from engine.registry import history
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training.reproduce import reproduce
from tests.conftest import Trained


@pytest.fixture
def asked(predictor: Predictor, contract: Contract, rows: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Some rows as the model takes them."""
    return predictor.encode.tuples(feature_values(rows.tail(50), contract))


@pytest.mark.parametrize("name", ["over baseline", "parity: largest difference"])
def test_the_model_beats_the_baseline_and_is_exported_as_it_was_fitted(
    trained: Trained, name: str
) -> None:
    [gate] = [gate for gate in trained.record.gates if gate.name == name]

    assert gate.verdict == "passed", (
        f"{name} is {gate.value}, contract.toml asks for {gate.limit} ({gate.note})"
    )


def test_the_same_seed_gives_the_same_model_bit_for_bit(
    trained: Trained, source: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.data(), "load", lambda _: source)

    differs = reproduce(Storage(trained.store), trained.record.run_id)

    assert not differs, "\n".join(differs)


def test_an_answer_depends_neither_on_the_order_of_the_rows_nor_on_their_number(
    predictor: Predictor, contract: Contract, asked: list[tuple[Any, ...]]
) -> None:
    together = predictor.score(asked)
    backwards = predictor.score(asked[::-1])[::-1]
    alone = np.vstack([predictor.score([row]) for row in asked])

    near = contract.gates.parity_tolerance * (1.0 if contract.classes else np.std(together))
    assert np.abs(backwards - together).max() <= near
    assert np.abs(alone - together).max() <= near


def test_a_missing_value_is_answered_where_the_contract_allows_one(
    predictor: Predictor, contract: Contract, asked: list[tuple[Any, ...]]
) -> None:
    for place, name in enumerate(predictor.encode.order):
        if contract.features[name].nullable:
            row = (*asked[0][:place], None, *asked[0][place + 1 :])
            assert np.isfinite(predictor.score([row])).all(), name


def test_an_answer_is_a_class_with_its_probability_or_a_number(
    predictor: Predictor, contract: Contract, asked: list[tuple[Any, ...]]
) -> None:
    for answer in predictor.answers(predictor.score(asked)):
        if contract.classes:
            assert answer["label"] in contract.classes
            assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        else:
            assert np.isfinite(answer["value"])


def test_a_promoted_version_answers_until_it_is_rolled_back(
    trained: Trained, tmp_path: Path
) -> None:
    registry = Registry(Storage(tmp_path))
    for name in ("first", "second"):
        registry.register(trained.folder, name, trained.digest, trained.record.metrics)
        registry.promote(reason=f"the {name} one")

    assert registry.load()[0] == 2
    assert registry.rollback("it is worse") == 1
    assert registry.load()[0] == 1
    state = registry.state()
    assert [event.action for event in state.history[-3:]] == ["register", "promote", "rollback"]
    assert "it is worse" in history.table(state)
