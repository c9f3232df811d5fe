"""What the engine takes from `src/app` is there, and what is missing or different is named."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from engine.commands import train as command
from engine.contract import app
from engine.contract.app_files import taken
from engine.core.errors import AppError, ContractError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training.train import train

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"
OFFERED = [name for name in ("data", "model", "metrics", "decide") if hasattr(app, name)]


@pytest.fixture(autouse=True)
def fresh() -> Any:
    """What was taken is taken anew."""
    taken.cache_clear()
    yield
    taken.cache_clear()


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A project of its own, as the working folder."""
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml")) as folder:
        yield folder


def replace(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    """Put another file in the place of `src/app/<name>.py`."""
    module = ModuleType(f"app.{name}")
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, f"app.{name}", module)


def costs(contract: Any, target: Any, scores: Any) -> dict[str, float]:
    """A metric that looks at nothing but what is true."""
    del contract, scores
    return {"misses": float((target != 0).mean())}


def the_first(said: Any, scores: Any, classes: Any) -> Any:
    """A decision that looks at nothing."""
    del said, classes
    return np.zeros(len(scores), dtype=np.intp)


@pytest.mark.parametrize("name", OFFERED)
def test_the_files_of_app_offer_what_the_engine_takes(name: str) -> None:
    assert getattr(app, name)()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.decide", None)

    with pytest.raises(AppError, match=r"decide.py is missing.*decide\(said, scores, classes\)"):
        app.decide()


def test_a_missing_function_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    replace(monkeypatch, "data")

    with pytest.raises(AppError, match=r"src/app/data.py has no load.*load\(contract\)"):
        app.data()


def test_other_arguments_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    replace(monkeypatch, "decide", decide=lambda scores: scores)

    with pytest.raises(AppError, match=r"has decide\(scores\), which cannot be called"):
        app.decide()


def test_a_missing_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    replace(monkeypatch, "metrics", measure=costs)

    with pytest.raises(AppError, match="sets no HIGHER_IS_BETTER"):
        app.metrics()


@pytest.mark.usefixtures("small")
def test_a_metric_of_ones_own_can_be_a_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("contract.toml")
    text = path.read_text(encoding="utf-8").replace('metric = "roc_auc"', 'metric = "misses"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=r"gates.metric is 'misses'; .* src/app/metrics.py"):
        command.main(["train"])
    replace(monkeypatch, "metrics", HIGHER_IS_BETTER={"misses": False}, measure=costs)
    taken.cache_clear()
    monkeypatch.setenv("APP_LOG_LEVEL", "info")

    record = train(load_settings(env={}))

    [gate] = [gate for gate in record.gates if gate.name == "misses floor"]
    assert gate.value == record.metrics["test.misses"]
    assert gate.limit.startswith("<=")


def test_an_answer_follows_the_decision_of_ones_own(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bundle = Registry(Storage(trained / "store")).load()
    if not bundle.contract.classes:
        assert "value" in Predictor(bundle).answers(np.zeros((1, 1)))[0]
        return
    replace(monkeypatch, "decide", decide=the_first)
    count = len(bundle.contract.classes)
    scores = np.eye(count)[[-1]]

    [answer] = Predictor(bundle).answers(scores)

    assert answer["label"] == bundle.contract.classes[0]


@pytest.mark.usefixtures("small")
def test_rows_come_from_where_the_owner_says(monkeypatch: pytest.MonkeyPatch) -> None:
    load = app.data().load
    replace(monkeypatch, "data", load=lambda contract: load(contract).slice(0, 200))
    taken.cache_clear()

    record = train(load_settings(env={}))

    assert sum(record.rows.values()) <= 200
