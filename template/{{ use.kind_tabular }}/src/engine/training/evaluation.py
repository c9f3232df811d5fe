"""Everything that is measured about a fitted model before anybody may use it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from engine.contract.compare import difference
from engine.contract.decision import decide
from engine.contract.schema import Contract
from engine.core.errors import DataError, ProjectError
from engine.core.storage import Storage
from engine.data.read import feature_values, target_values
from engine.data.split import Split
from engine.features.encode import Encoder, Inputs
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.registry.runs import Answers, Gap, Gate, Group, Reliability
from engine.training import export, metrics, pipeline
from engine.training.decision import rare, threshold
from engine.training.decision.reliability import reliability
from engine.training.gates import check, groups

IMPORTANCE_ROWS = 2000
SHUFFLES = 3


@dataclass(frozen=True)
class Part:
    """Rows as a model takes them, with what they teach."""

    inputs: Inputs
    target: NDArray[Any]


@dataclass(frozen=True)
class Evaluation:
    """What was measured on the test rows."""

    gates: list[Gate]
    slices: list[Gap]
    groups: list[Group]
    importance: dict[str, float]
    reliability: Reliability | None
    answers: Answers | None


def parts(contract: Contract, split: Split) -> tuple[Part, Part, Part]:
    """Training, validation and test rows, encoded."""
    encoder = Encoder(contract)
    train, validation, test = (
        Part(encoder.columns(feature_values(frame, contract)), target_values(frame, contract))
        for frame in (split.train, split.validation, split.test)
    )
    return train, validation, test


def baseline(contract: Contract, target: NDArray[Any]) -> list[float]:
    """What a model that looks at nothing answers: class shares, or the mean."""
    nothing = np.zeros((len(target), 1))
    if contract.classes:
        shares = DummyClassifier(strategy="prior").fit(nothing, target).predict_proba(nothing[:1])
        return [float(share) for share in shares[0]]
    return [float(DummyRegressor().fit(nothing, target).predict(nothing[:1])[0])]


def measure(
    contract: Contract, fitted: Pipeline, answer: list[float], validation: Part, test: Part
) -> dict[str, float]:
    """Every metric of the model on both parts, and of the baseline's `answer` on the test rows.

    A metric that rows leave undefined is left out; DataError when it is the one the gates need.
    """
    constant = np.tile(answer, (len(test.target), 1))
    measured = {
        f"{name}.{metric}": value
        for name, scores, part in (
            ("validation", pipeline.scores(fitted, validation.inputs), validation),
            ("test", pipeline.scores(fitted, test.inputs), test),
            ("baseline", constant, test),
        )
        for metric, value in metrics.metrics(contract, part.target, scores).items()
        if np.isfinite(value)
    }
    if f"test.{contract.gates.metric}" not in measured:
        raise DataError(
            f"{contract.gates.metric} cannot be measured on the {len(test.target)} test rows, "
            "which do not hold every class; use more data, or change [split] or gates.metric"
        )
    return measured


def evaluate(
    contract: Contract,
    fitted: Pipeline,
    predictor: Predictor,
    measured: dict[str, float],
    split: Split,
    test: Part,
    storage: Storage | None,
    seed: int,
    reason: str = "",
) -> Evaluation:
    """Pass the model through every gate; `measured` comes from `measure`.

    Without `storage` it is not compared with a champion. `reason` says how its threshold came
    about.
    """
    scores = pipeline.scores(fitted, test.inputs)
    slices = groups.slices(contract, split.test, test.target, scores)
    fairness = groups.fairness(contract, split.test, test.target, scores)
    champion, note = _champion(storage, contract, test)
    scale = _spread(contract, target_values(split.train, contract))
    found = check.check(
        contract,
        model=_of("test.", measured),
        baseline=_of("baseline.", measured),
        champion=champion,
        champion_note=note,
        slices=slices,
        fairness=fairness,
        parity=export.parity(
            predictor, fitted, test.inputs, contract.gates.parity_tolerance, scale
        ),
        p99_ms=check.latency(
            predictor, predictor.encode.tuples(feature_values(split.test, contract))
        ),
        few=rare.too_few(contract, test.target),
    )
    exported = predictor.score_inputs(test.inputs)  # counted as every server answers
    return Evaluation(
        found,
        slices.gaps,
        [group for compared in fairness.values() for group in compared.groups],
        _importance(contract, predictor, test, seed),
        reliability(contract, exported, test.target) if contract.classes else None,
        threshold.answers(contract, exported, test.target, reason),
    )


def mix(contract: Contract, scores: NDArray[Any]) -> list[float]:
    """How often each class is answered, or the deciles of the values: what monitoring expects."""
    if contract.classes:
        counts = np.bincount(decide(contract, scores), minlength=len(contract.classes))
        return [float(share) for share in counts / counts.sum()]
    return [float(q) for q in np.quantile(scores[:, 0], np.linspace(0, 1, 11))]


def _of(prefix: str, measured: dict[str, float]) -> dict[str, float]:
    return {n.removeprefix(prefix): v for n, v in measured.items() if n.startswith(prefix)}


def _champion(
    storage: Storage | None, contract: Contract, test: Part
) -> tuple[dict[str, float] | None, str]:
    """The champion's metrics on the same test rows, or why they cannot be had."""
    if storage is None or Registry(storage).state().champion is None:
        return None, "no champion yet"
    try:
        version, bundle = Registry(storage).load()
    except ProjectError as error:
        return None, f"the champion cannot be loaded: {error}"
    if why := difference(bundle.contract, contract):
        return None, f"champion {version} was made under another contract: {why}"
    scores = Predictor(bundle).score_inputs(test.inputs)
    theirs = contract.decided(bundle.contract.threshold)
    return metrics.metrics(theirs, test.target, scores), ""


def _importance(
    contract: Contract, predictor: Predictor, test: Part, seed: int
) -> dict[str, float]:
    """How much of the gate's metric is lost when one input is shuffled, largest first.

    Permutation importance (Breiman 2001): the mean of SHUFFLES shuffles, on at most IMPORTANCE_ROWS
    rows, through the exported model.
    """
    chance = np.random.default_rng(seed)
    numbers, categories = test.inputs[0][:IMPORTANCE_ROWS], test.inputs[1][:IMPORTANCE_ROWS]
    target = test.target[:IMPORTANCE_ROWS]
    sign = 1 if metrics.higher_is_better(contract) else -1

    def value(inputs: Inputs) -> float:
        scores = predictor.score_inputs(inputs)
        return sign * metrics.metrics(contract, target, scores)[contract.gates.metric]

    whole, lost = value((numbers, categories)), {}
    for index, name in enumerate(contract.numbers):
        drops = [
            whole - value((_shuffled(numbers, index, chance), categories)) for _ in range(SHUFFLES)
        ]
        lost[name] = round(float(np.mean(drops)), 5)
    for index, name in enumerate(contract.categories):
        drops = [
            whole - value((numbers, _shuffled(categories, index, chance))) for _ in range(SHUFFLES)
        ]
        lost[name] = round(float(np.mean(drops)), 5)
    return dict(sorted(lost.items(), key=lambda item: -item[1]))


def _shuffled(array: NDArray[Any], column: int, chance: np.random.Generator) -> NDArray[Any]:
    copy = array.copy()
    copy[:, column] = chance.permutation(copy[:, column])
    return copy


def _spread(contract: Contract, target: NDArray[Any]) -> float:
    """What a difference of scores is measured in: 1 for probabilities, else the target's spread."""
    if contract.classes:
        return 1.0
    spread = float(np.std(target))
    if spread == 0:
        name = contract.dataset.target
        raise DataError(f"the target {name!r} has one value only; nothing can be learnt from it")
    return spread
