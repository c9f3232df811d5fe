"""Of a large table a model learns from some rows, and the work does not grow without a bound."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from engine.contract.read import load_contract
from engine.core.errors import SettingsError
from engine.core.settings import load_settings
from engine.data.signs import bins
from engine.training import evaluation, export, pipeline, train
from engine.training.decision import settle

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A project of its own with open gates, as the working folder."""
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml")) as folder:
        yield folder


def many(rows: int, rare: int = 0) -> pipeline.Part:
    """Rows of the contract; the last class comes `rare` times, or as often as the others."""
    how, chance = load_contract(), np.random.default_rng(0)
    numbers = chance.normal(size=(rows, len(how.numbers))).astype(np.float32)
    usual = [how.features[name].values[0] for name in how.categories]
    texts = np.array([usual] * rows, dtype=object).reshape(rows, len(how.categories))
    target = np.arange(rows) % (len(how.classes) - bool(rare))
    target[:rare] = len(how.classes) - 1
    return pipeline.Part((numbers, texts), target)


def taught(training: pipeline.Part, **params: Any) -> int:
    return len(pipeline.taught(load_contract(), training, params, 0).target)


def test_a_run_says_how_many_rows_the_model_learnt_from(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = load_contract()
    monkeypatch.setattr(pipeline, "FIT_CELLS", 90 * (len(how.numbers) + len(how.categories)))
    monkeypatch.setattr(pipeline, "FIT_CASES", 1)

    record = train.train(load_settings(env={}))

    assert record.taught_rows == 90 < record.rows["train"]
    card = " ".join((small / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    assert f"The model learnt from 90 of the {record.rows['train']} training rows" in card
    assert "another number: `training_rows` in `params.toml`" in card


def test_a_hyperparameter_says_how_many_rows_and_the_card_says_so(small: Path) -> None:
    record = train.train(load_settings(env={}), ["training_rows=80"])

    assert (record.taught_rows, record.inputs.params["training_rows"]) == (80, 80)
    assert "So says `training_rows`" in (small / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("small")
def test_a_small_table_is_learnt_from_whole_and_the_card_is_silent() -> None:
    rows = many(400)

    assert pipeline.taught(load_contract(), rows, {}, 0) is rows


@pytest.mark.usefixtures("small")
def test_the_rows_of_a_rare_class_are_not_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "FIT_CELLS", 1000)
    monkeypatch.setattr(pipeline, "FIT_CASES", 40)

    assert taught(many(4000)) < taught(many(4000, rare=80)) == 2000
    assert taught(many(4000, rare=30)) == 4000


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("wrong", [0, -3, 1.5, "all", True])
def test_a_number_of_rows_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="training_rows is"):
        taught(many(50), training_rows=wrong)


@pytest.mark.usefixtures("small")
def test_a_model_stops_on_so_many_validation_rows_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    class Watching(LogisticRegression):  # type: ignore[misc]
        def fit(self, rows: Any, target: Any, X_val: Any = None, y_val: Any = None) -> Any:  # noqa: N803
            self.watched_ = (X_val.shape[0], len(y_val))
            return super().fit(rows, target)

    monkeypatch.setattr(pipeline, "WATCHED_ROWS", 50)
    rows = many(400)

    fitted = pipeline.assemble(load_contract(), Watching(), rows, rows, 0, True, 4)

    assert fitted[-1].watched_ == (50, 50)


def test_the_runbook_says_how_many_rows_are_looked_at() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")

    for row in [
        f"up to {pipeline.FIT_CELLS // 1_000_000} million values",
        f"fewer than {pipeline.FIT_CASES:,} of a class",
        f"networks stop | {pipeline.WATCHED_ROWS:,} validation rows",
        f"| {pipeline.REFERENCE_ROWS:,} training rows |",
        f"threshold | {settle.MOST_ROWS:,} validation rows",
        f"proxies | {bins.MOST_ROWS:,} training rows",
        f"parity | {export.PARITY_ROWS:,} test rows",
        f"| {evaluation.IMPORTANCE_ROWS:,} test rows",
    ]:
        assert row in text


@pytest.mark.usefixtures("small")
def test_no_rows_are_scored_twice_by_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, kept, scores = Counter[tuple[int, int]](), list[Any](), pipeline.scores

    def counted(fitted: Any, inputs: Any) -> Any:
        kept.append((fitted[-1], inputs))  # an id is one's own as long as one lives
        asked[id(fitted[-1]), id(inputs)] += 1
        return scores(fitted, inputs)

    monkeypatch.setattr(pipeline, "scores", counted)
    train.train(load_settings(env={}))

    assert len(asked) > 3
    assert set(asked.values()) == {1}
