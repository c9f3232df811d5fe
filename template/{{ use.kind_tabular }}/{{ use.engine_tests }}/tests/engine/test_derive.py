"""Features of one's own: traced once, the same in training, in the bundle and with real arrays."""

from pathlib import Path
from typing import Any

import ndonnx as ndx
import numpy as np
import pytest

from engine.commands.registry import promote
from engine.contract.app_files import taken
from engine.contract.read import load_contract
from engine.core.errors import AppError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.data.read import feature_values, own_rows
from engine.features.derive import derived
from engine.features.encode import Encoder
from engine.features.lookup import complete
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training import pipeline
from engine.training.reproduce import reproduce
from engine.training.train import train

from .made_up import inside, project
from .test_app_files import replace


@pytest.fixture(autouse=True)
def fresh() -> Any:
    """What was taken is taken anew."""
    taken.cache_clear()
    yield
    taken.cache_clear()


@pytest.fixture
def folder(contract_file: Path, tmp_path: Path) -> Any:
    """A project for each contract in turn, as the working folder."""
    with inside(project(tmp_path / "p", contract_file)) as place:
        yield place


def derive(columns: Any) -> dict[str, Any]:
    """Something of every kind of column that there is."""
    found = {}
    for name, column in columns.items():
        if column.dtype == ndx.utf8:
            found[f"{name} is empty"] = column == ""
        else:
            found[f"{name} twice"] = column * 2.0
    return found


def test_the_exported_model_says_what_the_fitted_one_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(monkeypatch, "features", derive=derive)
    plain = load_contract()

    record = train(load_settings(env={}))

    assert record.passed, record.failed
    assert len(record.derived) == len(plain.numbers) + len(plain.categories)
    promote(load_settings(env={}))
    predictor = Predictor(Registry(Storage("store")).load()[1])
    inputs = predictor.encode.columns(feature_values(complete(own_rows(plain), plain), plain))
    assert np.isfinite(predictor.score_inputs(inputs)).all()
    assert reproduce(Storage("store"), record.run_id) == []
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8").count("`" + record.derived[0])


@pytest.mark.usefixtures("folder")
def test_a_derived_feature_is_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = load_contract()
    replace(monkeypatch, "features", derive=derive)
    step = derived(contract)
    assert step is not None
    encoded = Encoder(contract).columns(
        feature_values(complete(own_rows(contract), contract), contract)
    )

    whole = step.transform(pipeline.as_table(encoded)).to_numpy()

    width = len(contract.numbers)
    for place, name in enumerate(contract.numbers):
        twice = whole[:, width + step.names.index(f"{name} twice")].astype(float)
        np.testing.assert_array_equal(twice, encoded[0][:, place] * np.float32(2))
    for place, name in enumerate(contract.categories):
        empty = whole[:, width + step.names.index(f"{name} is empty")].astype(float)
        np.testing.assert_array_equal(empty == 1, encoded[1][:, place] == "")


@pytest.mark.usefixtures("folder")
def test_another_derivation_is_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = load_contract()
    before = train(load_settings(env={}))
    assert before.derived == []
    replace(monkeypatch, "features", derive=derive)
    taken.cache_clear()

    after = train(load_settings(env={}))

    assert after.derived
    assert before.files["model.onnx"] != after.files["model.onnx"]
    assert derived(contract) is not None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda _: {"x": 1.0}, "an array is needed"),
        (lambda columns: columns["no such"], "derive fails with KeyError"),
        (lambda columns: {"x": ndx.sum(next(iter(columns.values())))}, "dimensions"),
        (lambda _: {"x": ndx.asarray([[1.0], [2.0]])}, "cannot be run|for each row"),
        (lambda columns: {next(iter(columns)): next(iter(columns.values()))}, "is a column of"),
        (lambda _: {"x": ndx.asarray([["a text"]])}, "returns texts"),
    ],
)
def test_what_cannot_be_traced_is_named(
    monkeypatch: pytest.MonkeyPatch, wrong: Any, message: str
) -> None:
    contract = load_contract(Path(__file__).parent / "contracts" / "values.toml")
    replace(monkeypatch, "features", derive=wrong)

    with pytest.raises(AppError, match=f"src/app/features.py.*({message})"):
        derived(contract)


def test_with_real_arrays_it_computes_at_once() -> None:
    columns = {"fee": ndx.asarray(np.array([[1.0], [np.nan]], dtype=np.float32))}

    found = derive(columns)["fee twice"].unwrap_numpy()

    np.testing.assert_array_equal(found, [[2.0], [np.nan]])
