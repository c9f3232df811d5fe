"""A search repeats itself, goes on where it stopped, sees no test rows, writes params.toml."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from app import model
from engine.contract.read import load_contract
from engine.core.storage import Storage
from engine.data import split
from tools import tune

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A project of its own, as the working folder."""
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml")) as folder:
        yield folder


def searched(store: str, *, trials: int, seed: int = 0) -> list[tuple[Any, float | None]]:
    """What was tried in a search that goes on in this store, and how well it did."""
    search, _ = tune.prepare(load_contract(), Storage(store), seed)
    search.load()
    tune.run(search, trials, float("inf"))
    return [(trial.user_attrs["tried"], trial.value) for trial in search.done]


@pytest.mark.usefixtures("small")
def test_a_search_in_parts_is_the_search_in_one_go() -> None:
    whole = searched("one", trials=4)

    assert searched("two", trials=1) == whole[:1]
    assert searched("two", trials=4) == whole
    assert searched("one", trials=4) == whole
    assert len({str(tried) for tried, _ in whole}) > 1
    assert searched("three", trials=2, seed=1) != whole[:2]


def test_the_test_rows_are_never_looked_at(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = searched("one", trials=2)
    real = split.split_rows

    def poisoned(frame: Any, contract: Any) -> Any:
        found = real(frame, contract)
        target = found.test[contract.dataset.target]
        return found._replace(test=found.test.assign(**{target.name: target.iloc[::-1].array}))

    monkeypatch.setattr(tune, "split_rows", poisoned)

    assert (small / "one").is_dir()
    assert searched("two", trials=2) == before


def test_the_best_is_written_and_all_else_in_the_file_stays(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = small / "contract.toml"
    text = contract.read_text(encoding="utf-8")
    assert 'metric = "roc_auc"' in text
    # shrunk probabilities are in the same order as before
    contract.write_text(text.replace('metric = "roc_auc"', 'metric = "log_loss"'), "utf-8")
    file = small / "params.toml"
    file.write_text("# mine\n[classification]\n\n[regression]\nalpha = 3 # kept\n", "utf-8")
    poor = {"linear": "C = 1e-6"}
    start = poor.get(model.FAMILY, "learning_rate = 1e-9")
    text = file.read_text(encoding="utf-8").replace("[regression]", f"{start}\n\n[regression]")
    file.write_text(text, encoding="utf-8")

    assert tune.main(["tune", "--trials", "3"]) == 0

    said, text = capsys.readouterr().out, file.read_text(encoding="utf-8")
    assert "trial 3/3" in said
    assert "->" in said
    assert "1e-9" not in text
    assert "1e-6" not in text
    assert text.startswith("# mine\n[classification]\n")
    assert "alpha = 3 # kept" in text


def test_nothing_is_written_where_no_trial_is_better(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (small / "params.toml").read_text(encoding="utf-8")
    search, current = tune.prepare(load_contract(), Storage("store"), 0)
    tune.run(search, 1, float("inf"))

    tune.finish(search, load_contract(), current, 2.0)

    assert "stays as it is" in capsys.readouterr().out
    assert (small / "params.toml").read_text(encoding="utf-8") == before


@pytest.mark.usefixtures("small")
def test_ctrl_c_keeps_what_was_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = tune.Search.step

    def interrupted(self: tune.Search) -> Any:
        if len(self.done) == 2:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(tune.Search, "step", interrupted)

    assert tune.main(["tune", "--trials", "9"]) == 0
    assert "stopped; 2 trials are kept" in capsys.readouterr().out
    monkeypatch.undo()
    tune.main(["tune", "--trials", "3"])
    assert "2 trials of an earlier search are taken up" in capsys.readouterr().out


@pytest.mark.usefixtures("small")
def test_the_time_ends_a_search() -> None:
    assert tune.main(["tune", "--minutes", "0.0001"]) == 0


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("rows", [50, 100_000])
def test_the_model_takes_whatever_is_tried(task: str, rows: int) -> None:
    for seed in range(5):
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        model.build(task, model.search(study.ask(), task, rows), 0, rows)


def test_values_are_written_with_the_comments_around_them() -> None:
    text = "# top\n[classification]\nC = 1.0 # a penalty\n\n[regression]\nalpha = 1.0 # other\n"

    found = tune.changed(text, "classification", {"C": 0.5, "max_iter": 7})

    assert "C = 0.5 # a penalty" in found
    assert "max_iter = 7" in found
    assert found.startswith("# top\n")
    assert found.endswith("[regression]\nalpha = 1.0 # other\n")
