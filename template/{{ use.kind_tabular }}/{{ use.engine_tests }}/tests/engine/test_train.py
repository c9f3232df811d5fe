"""Training ends in a judged, recorded bundle; a gate that fails keeps it out of the registry."""

import csv
import html
import json
from pathlib import Path
from typing import Any

import pytest

from engine.commands import train as command
from engine.commands import up
from engine.commands.registry import promote
from engine.contract.read import load_contract
from engine.core.errors import DataError, GateFailed, SettingsError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.data.read import read_rows, reference_rows
from engine.data.signs.bins import ENOUGH_ROWS
from engine.features.lookup import complete
from engine.registry import predictor, runs
from engine.registry.registry import Registry
from engine.training import card as model_card
from engine.training import reproduce, train
from tools import data as report

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """A project of its own with open gates, as the working folder."""
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml")) as folder:
        yield folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_trained_model_beats_the_baseline_and_is_the_champion(trained: Path) -> None:
    store = Storage(trained / "store")
    version, bundle = Registry(store).load()
    record = runs.load(store, bundle.manifest.run_id)

    assert version == 1
    assert record.passed
    margin = next(gate for gate in record.gates if gate.name == "over baseline")
    assert margin.value is not None
    assert margin.value > 0


def test_the_exported_model_says_what_the_fitted_one_says(trained: Path) -> None:
    store = Storage(trained / "store")
    record = runs.load(store, Registry(store).load()[1].manifest.run_id)

    parity = {gate.name: gate.value for gate in record.gates if gate.name.startswith("parity")}

    assert parity["parity: largest difference"] < 1e-4
    assert parity["parity: rows over it"] == 0


def test_the_record_holds_what_is_needed_to_repeat_the_run(trained: Path) -> None:
    name = Storage(trained / "store").list("runs")[0]
    record = json.loads((trained / "store/runs" / name / "run.json").read_text())

    assert record["inputs"].keys() == {"data", "contract", "code", "lock", "params", "seed"}
    assert {"commit", "dirty", "python", "versions", "metrics", "seconds", "rows"} <= record.keys()


def test_only_what_is_done_is_said_and_timed(trained: Path) -> None:
    store = Storage(trained / "store")
    record = runs.load(store, store.list("runs")[0])

    has_classes = bool(load_contract(trained / "contract.toml").classes)
    assert ("calibrating" in record.seconds) == has_classes
    assert "evaluating" in record.seconds


def test_a_run_is_reproduced_bit_for_bit(trained: Path) -> None:
    with inside(trained):
        store = Storage("store")
        assert reproduce.reproduce(store, store.list("runs")[0]) == []


def test_training_and_report_name_the_proxies_that_a_draft_names(small: Path) -> None:
    """All rows are looked at, as in a draft: of these 80 the training rows alone are too few."""
    edit(
        small / "contract.toml",
        "[columns.size]",
        '[columns.kind]\ntype = "category"\nvalues = ["x", "y"]\nrole = "audit"\n'
        "sensitive = true\n\n[columns.size]",
    )
    with (small / "data/rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["colour"] != "red")
    rows = rows[:40] + rows[-40:]
    kinds = ["x"] * 40 + ["y"] * 40
    with (small / "data/rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], "kind"])
        writer.writeheader()
        writer.writerows(row | {"kind": kind} for row, kind in zip(rows, kinds, strict=True))
    named = "'colour' stands for 'kind'"

    record = train.train(load_settings(env={}))
    report.main(["data", "report"])

    assert record.rows["train"] < ENOUGH_ROWS
    assert [named in warning for warning in record.warnings].count(True) == 1
    assert named in html.unescape((small / "reports/data.html").read_text("utf-8"))


def test_a_refusal_speaks_of_a_champion_only_where_there_is_one(small: Path) -> None:
    hopeless = (small / "contract.toml").read_text("utf-8").replace("floor = -", "floor = ")
    config, easy = load_settings(env={}), (small / "contract.toml").read_text("utf-8")

    (small / "contract.toml").write_text(hopeless, encoding="utf-8")
    with pytest.raises(GateFailed, match="roc_auc floor") as first:
        up._train(config)
    (small / "contract.toml").write_text(easy, encoding="utf-8")
    up._train(config)
    (small / "contract.toml").write_text(hopeless, encoding="utf-8")
    with pytest.raises(GateFailed) as second:
        up._train(config)

    assert "champion" not in str(first.value)
    assert str(second.value).endswith("; version 1 stays the champion")


def test_what_differs_is_named(small: Path) -> None:
    store = Storage("store")
    run = train.train(load_settings(env={})).run_id
    (small / "data/rows.csv").open("a").write("red,s,,true\n")
    edit(small / "params.toml", "[classification]", "[classification]\n# the same values")

    report = "\n".join(reproduce.reproduce(store, run))

    assert "model.onnx" in report
    assert "the data (data/rows.csv has changed since)" in report
    assert "hyperparameters" not in report


def test_a_failed_gate_is_recorded_and_never_registered(small: Path) -> None:
    edit(small / "contract.toml", "baseline_margin = -1000000000.0", "baseline_margin = 0.99")

    record = train.train(load_settings(env={}))

    assert [gate.name for gate in record.gates if gate.failed] == ["over baseline"]
    state = Registry(Storage("store")).state()
    assert (state.versions, state.challenger, state.champion) == ({}, None, None)
    with pytest.raises(GateFailed, match="over baseline"):
        command.main(["train"])


def test_a_failed_training_writes_its_card(small: Path) -> None:
    edit(small / "contract.toml", "baseline_margin = -1000000000.0", "baseline_margin = 0.99")

    record = train.train(load_settings(env={}))

    text = (small / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert text.startswith(f"# Model card: run {record.run_id}, not promoted\n\n**Not promoted: it")
    assert "failed over baseline." in text
    assert "| over baseline |" in text


def test_a_failed_training_leaves_the_card_of_the_champion_alone(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_settings(env={})
    train.train(config)
    assert "a candidate\n" in (small / "MODEL_CARD.md").read_text(encoding="utf-8")
    promote(config)
    before = (small / "MODEL_CARD.md").read_text(encoding="utf-8")
    edit(small / "contract.toml", "baseline_margin = -1000000000.0", "baseline_margin = 0.99")

    record = train.train(config)

    assert before.startswith("# Model card: version 1\n")
    assert (small / "MODEL_CARD.md").read_text(encoding="utf-8") == before
    place = f"store/runs/{record.run_id}/MODEL_CARD.md"
    assert place in capsys.readouterr().out
    assert ", not promoted" in (small / place).read_text(encoding="utf-8")


def test_a_worse_model_does_not_pass_the_champion(small: Path) -> None:
    config = load_settings(env={})
    train.train(config)
    promote(config)
    edit(small / "contract.toml", "champion_margin = -1000000000.0", "champion_margin = 0.01")

    record = train.train(config)

    assert [gate.name for gate in record.gates if gate.failed] == ["over champion"]


@pytest.mark.usefixtures("small")
def test_hyperparameters_can_be_given_for_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match="no_such_thing"):
        train.train(load_settings(env={}), ["no_such_thing=1"])
    with pytest.raises(SettingsError, match=r"no hyperparameter 'tole'; did you mean 'tol'\?"):
        train.train(load_settings(env={}), ["tole=1"])
    assert capsys.readouterr().out.endswith(" ...\n")  # the message begins a line of its own
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        train.train(load_settings(env={}), ["max_iter"])

    record = train.train(load_settings(env={}), ["max_iter=7", "tol=0.1"], seed=5)

    assert record.inputs.params["max_iter"] == 7
    assert record.inputs.seed == 5


def test_test_rows_of_one_class_are_refused_when_the_metric_needs_more(small: Path) -> None:
    header, *rows = (small / "data/rows.csv").read_text(encoding="utf-8").splitlines()
    rows.sort(key=lambda row: row.endswith("true"))
    dated = [f"{row},2026-01-01T{i // 60:02d}:{i % 60:02d}:00Z" for i, row in enumerate(rows)]
    text = "\n".join([f"{header},at", *dated])
    (small / "data/rows.csv").write_text(text, encoding="utf-8")
    edit(small / "contract.toml", "[gates]", '[split]\nmethod = "time"\n\n[gates]')
    edit(small / "contract.toml", "[dataset]", '[dataset]\ntimestamp = "at"')

    with pytest.raises(DataError, match="roc_auc cannot be measured"):
        train.train(load_settings(env={}))


def test_the_fallback_is_the_baseline(trained: Path) -> None:
    found = predictor.Predictor(Registry(Storage(trained / "store")).load()[1])
    answers = found.answers(found.fallback(2))

    assert len(answers) == 2
    if found.classes:
        assert sum(answers[0]["probabilities"].values()) == pytest.approx(1)


def test_the_card_describes_the_contract_it_was_made_from(trained: Path) -> None:
    text = (trained / "MODEL_CARD.md").read_text(encoding="utf-8")
    found = load_contract(trained / "contract.toml")

    assert model_card.described_contract(str(trained / "MODEL_CARD.md")) == found.fingerprint
    assert all(name in text for name in found.columns)


def test_the_card_of_this_repository_is_not_stale() -> None:
    root = Path(__file__).parents[2]
    described = model_card.described_contract(str(root / model_card.FILE))

    fresh = (None, load_contract(root / "contract.toml").fingerprint)
    assert described in fresh, "contract.toml has changed since: python3 run.py up"


def test_reference_rows_hold_no_personal_column(trained: Path) -> None:
    with inside(trained):
        found = load_contract()
        frame = complete(read_rows(found.dataset.source, found), found)

    sample = reference_rows(frame, found, 10, 0)

    assert len(sample) == 10
    assert not set(sample.columns) & found.personal
