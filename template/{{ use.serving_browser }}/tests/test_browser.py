"""The exported app, by its own code in Node.js, answers and refuses as Python does."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.contract.schema import Contract
from engine.core.settings import load_settings
from engine.edge import export, trial
from engine.registry.predictor import Predictor
from tests.conftest import Trained
from tests.sent import as_json, wrong_value


@pytest.fixture(scope="session")
def app(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app of the trained model, if it keeps its gates."""
    folder = tmp_path_factory.mktemp("app") / "site"
    gates = export.build(load_settings(env={}), trained.bundle, 1, folder)
    failed = [f"{g.name} is {g.value}, it must be {g.limit}" for g in gates if g.failed]
    assert not failed, "\n".join(failed)
    return folder


@pytest.fixture
def asked(contract: Contract, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the data as the form hands them over."""
    return as_json(rows.tail(20), contract.features)


def test_the_app_answers_rows_of_the_data_as_python_does(
    app: Path, predictor: Predictor, asked: list[dict[str, Any]]
) -> None:
    expected = np.vstack([trial.python(predictor, row) for row in asked])

    found = np.array([answer["scores"] for answer in trial.node(app, asked)])

    parity = trial.parity(predictor, expected, found)
    assert parity.rows_over <= predictor.contract.gates.parity_rows, parity


def test_the_app_refuses_a_wrong_value_at_its_field(
    app: Path, contract: Contract, asked: list[dict[str, Any]]
) -> None:
    column, value = wrong_value(contract)

    [answer] = trial.node(app, [{**asked[0], column: value}])

    assert "scores" not in answer
    assert list(answer["faults"]) == [column], answer["faults"]
