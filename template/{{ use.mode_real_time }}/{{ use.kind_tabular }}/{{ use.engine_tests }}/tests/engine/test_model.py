"""A model over a table, as a server holds it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.serving.model import Models


@pytest.fixture
def model(trained: Path) -> Any:
    """The champion."""
    registry = Registry(Storage(trained / "store"))
    return Models(Settings(store=str(trained / "store"))).open(*registry.load())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_a_failure_of_the_model(
    model: Any, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(model.predictor, "score", lambda rows: np.full((len(rows), 2), value))

    with pytest.raises(ArithmeticError, match="no finite number"):
        model.score([()])


def test_a_score_too_few_is_a_failure_of_the_model(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.predictor, "score", lambda rows: np.zeros((len(rows) - 1, 2)))

    with pytest.raises(ArithmeticError):
        model.score([(), ()])
