"""Answers follow the threshold that was written or chosen, everywhere, and are counted as given."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.commands.registry import promote
from engine.contract.decision import by_contract, decide
from engine.contract.read import load_contract, parse_contract
from engine.contract.schema import Contract
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.data.read import feature_values, own_rows, target_values
from engine.data.split import split_rows
from engine.features.lookup import complete
from engine.registry import runs
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training import metrics, train
from engine.training.card import render
from engine.training.decision import rare, summary, threshold
from engine.training.gates import check

from .made_up import inside, project

CONTRACTS = Path(__file__).parent / "contracts"
TEXT = """
[dataset]
source = "rows.csv"
target = "y"
task = "classification"
classes = ["a", "b"]
positive = "{positive}"
[decision]
{decision}
[columns.x]
type = "number"
[gates]
metric = "roc_auc"
floor = 0.5
"""
COSTS = "cost_false_positive = 1\ncost_false_negative = 4"


def contract(decision: str = COSTS, positive: str = "b") -> Contract:
    """A contract of two classes."""
    return parse_contract(TEXT.format(decision=decision, positive=positive))


def shares(second: Any) -> Any:
    """Probabilities of two classes, given those of the second."""
    second = np.asarray(second)
    return np.stack([1 - second, second], axis=1)


def true_rows(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Probabilities of the second class, and classes that come true as often as they say."""
    chance = np.random.default_rng(seed)
    said = chance.uniform(0, 1, count) ** 2
    return said, (chance.uniform(0, 1, count) < said).astype(np.intp)


@pytest.mark.parametrize(("positive", "expected"), [("b", [0, 1, 1]), ("a", [0, 0, 1])])
def test_the_positive_class_is_answered_from_the_threshold_on(
    positive: str, expected: list[int]
) -> None:
    said = shares([0.29, 0.3, 0.71])

    assert by_contract(contract("threshold = 0.3", positive), said).tolist() == expected
    assert by_contract(contract().decided(None), said).tolist() == [0, 0, 1]


def test_a_probability_at_the_threshold_decides_the_same_in_32_and_64_bits() -> None:
    asked, said = contract("threshold = 0.1"), shares([0.1, np.nextafter(0.1, 0)])

    assert decide(asked, said).tolist() == decide(asked, said.astype(np.float32)).tolist() == [1, 1]


def test_true_probabilities_are_answered_from_the_threshold_of_the_costs_on() -> None:
    said, target = true_rows(2000)

    at, reason = threshold.choose(contract(), shares(said), target)

    assert at == 0.2
    assert reason.startswith("0.2 = 1 / 5, from the costs; ")
    assert "was cheaper on 2000 validation rows" in reason
    assert reason.endswith("but luck can explain that")


def test_where_no_threshold_is_cheaper_none_is_called_so() -> None:
    at, reason = threshold.choose(
        contract(), shares([0.05] * 40 + [0.9] * 40), np.repeat([0, 1], 40)
    )

    assert at == 0.2
    assert reason == "0.2 = 1 / 5, from the costs; none was cheaper on 80 validation rows"


def test_true_probabilities_seldom_get_another_threshold() -> None:
    other = 0
    for seed in range(100):
        said, target = true_rows(200, seed)
        other += threshold.choose(contract(), shares(said), target)[0] != 0.2

    assert other <= 10  # 5 in the mean


def test_probabilities_that_mislead_are_answered_from_where_it_was_cheapest() -> None:
    said, target = true_rows(2000)
    misled = said / 10  # what is said with 0.02 comes true in one of five

    at, reason = threshold.choose(contract(), shares(misled), target)

    assert at == pytest.approx(0.02, abs=0.008)
    assert reason.startswith("the cheapest on 2000 validation rows")
    spent = [
        threshold.spent((1, 4), misled >= each, target == 1).sum() for each in np.arange(1001) / 1e4
    ]
    least = threshold.spent((1, 4), misled >= at, target == 1).sum()
    assert least <= min(spent)


@pytest.mark.parametrize(("truth", "at"), [(0, 1), (1, 0)])
def test_never_and_always_are_thresholds_too(truth: int, at: int) -> None:
    said = np.linspace(0.3, 0.7, 100)
    target = np.full(100, truth)
    target[-1 if truth else 0] = 1 - truth
    costs = (1.0, 1e-6) if truth == 0 else (1e-6, 1.0)

    found, _ = threshold._cheapest(costs, said, target == 1, 0.5)

    assert {0: found < 0.3, 1: found > 0.7}[at]


@pytest.mark.parametrize("hits", [0, 9])
def test_few_cases_leave_the_threshold_of_the_costs(hits: int) -> None:
    said = np.linspace(0, 0.1, 500)
    target = np.array([0] * (500 - hits) + [1] * hits)

    at, reason = threshold.choose(contract(), shares(said), target)

    assert at == 0.2
    assert f"a class has {hits} of 500 validation rows, too few to find a better one" in reason
    enough = np.array([0] * 490 + [1] * 10)
    assert threshold.choose(contract(), shares(said), enough)[0] != 0.2


def test_a_written_threshold_is_kept() -> None:
    said, target = true_rows(500)

    assert threshold.choose(contract("threshold = 0.7"), shares(said), target)[0] == 0.7


def test_the_cost_of_the_answers_is_a_metric_where_costs_are_written() -> None:
    said, target = true_rows(300)
    asked = contract()

    found = metrics.metrics(asked, target, shares(said))["cost"]

    counted = threshold.answers(asked, shares(said), target, "")
    assert counted is not None
    assert found == pytest.approx(threshold.cost((1, 4), counted.counts) / 300)
    assert found < threshold.cost((1, 4), counted.at_half) / 300
    assert "cost" not in metrics.metrics(asked.decided(None), target, shares(said))
    named = msgspec.structs.replace(asked.gates, metric="cost")
    assert not metrics.higher_is_better(msgspec.structs.replace(asked, gates=named))


def test_what_is_served_is_what_the_record_counts(trained: Path) -> None:
    store = Storage(trained / "store")
    _, bundle = Registry(store).load()
    record = runs.load(store, bundle.manifest.run_id)
    model = Predictor(bundle)
    with inside(trained):
        rows = split_rows(
            complete(own_rows(bundle.contract), bundle.contract), load_contract()
        ).test

    if bundle.contract.positive is None:
        assert record.answers is None
        return
    said = model.answers(model.score(model.encode.tuples(feature_values(rows, bundle.contract))))
    positive = bundle.contract.classes.index(bundle.contract.positive)
    truth = target_values(rows, bundle.contract) == positive
    answered = np.array([each["label"] == bundle.contract.positive for each in said])
    assert record.answers is not None
    assert record.answers.counts == {
        "true_positive": (truth & answered).sum(),
        "false_positive": (~truth & answered).sum(),
        "false_negative": (truth & ~answered).sum(),
        "true_negative": (~truth & ~answered).sum(),
    }
    assert record.answers.threshold == bundle.manifest.threshold == bundle.contract.threshold


def test_costs_change_the_answers_the_mix_and_the_card(tmp_path: Path) -> None:
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml")) as folder:
        path = folder / "contract.toml"
        dear, config = path.read_text(encoding="utf-8"), load_settings(env={})
        found = []
        for text in (dear, dear.replace("cost_false_negative = 4", "cost_false_negative = 0.1")):
            path.write_text(text, encoding="utf-8")
            record = train.train(config)
            promote(config)
            version, bundle = Registry(Storage("store")).load()
            found.append((record, bundle, render(bundle, record, version)))

    (often, seldom), counts = found, [each[0].answers.counts for each in found]
    assert counts[0]["false_negative"] < counts[1]["false_negative"]
    assert often[1].manifest.threshold < seldom[1].manifest.threshold
    assert often[1].manifest.baseline_mix[1] > seldom[1].manifest.baseline_mix[1]
    for record, bundle, card in found:
        name = f"| false negative | {record.answers.counts['false_negative']} |"
        price = f"{threshold.cost(bundle.contract.costs, record.answers.counts):g}"
        assert name in card
        assert f"| {price} |" in card
        assert record.answers.reason in card
        said = " ".join(summary.lines(bundle.contract, record))
        assert f"cost {price} " in said


def test_a_class_with_few_test_rows_is_said() -> None:
    asked = contract()
    few, enough = np.array([1] * 9 + [0] * 91), np.array([1] * 10 + [0] * 90)
    parts = {"training": enough, "validation": enough, "test": few}

    [said] = rare.warnings(asked, parts)

    assert "class 'b' has 10 of 100 training, 10 of 100 validation, 9 of 100 test rows" in said
    assert rare.warnings(asked, {**parts, "test": enough}) == []
    assert rare.too_few(asked, few) == "9 of 100 test rows are 'b'"
    assert rare.too_few(asked, enough) == ""
    loss = msgspec.structs.replace(asked.gates, metric="log_loss")
    assert rare.too_few(msgspec.structs.replace(asked, gates=loss), few) == ""


def test_nothing_is_passed_on_a_handful_of_rows() -> None:
    few = "4 of 100 test rows are 'b'"

    def judged(verdict: runs.Verdict, value: float | None = 0.3) -> runs.Gate:
        return check._with_few(
            runs.Gate("over baseline", value, ">= 0.1", verdict, "it has 0"), few
        )

    assert (judged("passed").verdict, judged("passed").note) == ("cannot tell", f"it has 0; {few}")
    assert (judged("failed").verdict, judged("not decided").verdict) == ("failed", "not decided")
    assert judged("not measured", None).note == "it has 0"


def test_a_model_of_few_cases_is_no_pass(tmp_path: Path) -> None:
    with inside(project(tmp_path / "small", CONTRACTS / "labels.toml", 600)) as folder:
        path = folder / "data/rows.csv"
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if row.endswith("false")]
        kept += [row for row in rows if row.endswith("true")][:20]
        path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
        record = train.train(load_settings(env={}))

    verdicts = {gate.name: gate.verdict for gate in record.gates}
    assert verdicts["roc_auc floor"] == verdicts["over baseline"] == "cannot tell"
    assert record.verdict == "cannot tell"
    assert any("class 'true' has 12 of" in warning for warning in record.warnings)
    assert record.calibration is not None
    assert record.calibration.reason.startswith("a class has 4 validation rows")


def test_average_precision_of_guessing_is_the_share_of_the_class() -> None:
    _, target = true_rows(500)

    found = metrics.metrics(contract(), target, shares(np.full(500, 0.4)))

    assert found["average_precision"] == pytest.approx(target.mean())
    assert np.isnan(metrics.metrics(contract(), np.zeros(5, int), shares([0.5] * 5))["roc_auc"])
