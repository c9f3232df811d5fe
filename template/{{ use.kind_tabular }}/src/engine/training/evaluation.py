"""Everything that is measured about a fitted model before anybody may use it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
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
from engine.features.encode import Encoder
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.registry.runs import Answers, Gap, Gate, Group, Reliability
from engine.training import export, metrics, pipeline
from engine.training.decision import rare, threshold
from engine.training.decision.reliability import reliability
from engine.training.gates import check, groups
from engine.training.pipeline import Part

IMPORTANCE_ROWS, LEAST_ROWS = 2000, 500
IMPORTANCE_CELLS = 400_000
IMPORTANCE_INPUTS = 300  # above a third of them, each is shuffled fewer times
SHUFFLES = 3


@dataclass(frozen=True)
class Evaluation:
    """What was measured on the test rows."""

    gates: list[Gate]
    slices: list[Gap]
    groups: list[Group]
    importance: dict[str, float]
    reliability: Reliability | None
    answers: Answers | None


def parts(contract: Contract, *frames: pd.DataFrame) -> list[Part]:
    """Rows as a model takes them: a part for each frame."""
    encoder = Encoder(contract)
    return [
        Part(encoder.columns(feature_values(frame, contract)), target_values(frame, contract))
        for frame in frames
    ]


def baseline(contract: Contract, target: NDArray[Any]) -> list[float]:
    """What a model that looks at nothing answers: class shares, or the mean."""
    nothing = np.zeros((len(target), 1))
    if contract.classes:
        shares = DummyClassifier(strategy="prior").fit(nothing, target).predict_proba(nothing[:1])
        return [float(share) for share in shares[0]]
    return [float(DummyRegressor().fit(nothing, target).predict(nothing[:1])[0])]


def measure(
    contract: Contract,
    fitted: Pipeline,
    scores: NDArray[Any],
    reference: Pipeline | None,
    answer: list[float],
    validation: Part,
    test: Part,
) -> dict[str, float]:
    """Every metric of the model on both parts; on the test rows also of those it is compared with.

    These are the linear reference, if there is one, and the baseline's `answer`. `scores` are the
    model's of the test rows. A metric that rows leave undefined is left out; DataError when it is
    the one the gates need.
    """
    scored = {
        "validation": (pipeline.scores(fitted, validation.inputs), validation),
        "test": (scores, test),
        "baseline": (np.tile(answer, (len(test.target), 1)), test),
    }
    if reference:
        scored["reference"] = (pipeline.scores(reference, test.inputs), test)
    measured = {
        f"{name}.{metric}": value
        for name, (found, part) in scored.items()
        for metric, value in metrics.metrics(contract, part.target, found).items()
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
    scores: NDArray[Any],
    predictor: Predictor,
    measured: dict[str, float],
    split: Split,
    test: Part,
    storage: Storage | None,
    seed: int,
    reason: str = "",
) -> Evaluation:
    """Pass the model through every gate; `scores` and `measured` are as for `measure`.

    Without `storage` it is not compared with a champion. `reason` says how its threshold came
    about.
    """
    slices = groups.slices(contract, split.test, test.target, scores)
    fairness = groups.fairness(contract, split.test, test.target, scores)
    champion, note = _champion(storage, contract, test)
    scale = _spread(contract, target_values(split.train, contract))
    found = check.check(
        contract,
        model=_of("test.", measured),
        baseline=_of("baseline.", measured),
        reference=_of("reference.", measured),
        champion=champion,
        champion_note=note,
        slices=slices,
        fairness=fairness,
        parity=export.parity(
            predictor, fitted, test.inputs, contract.gates.parity_tolerance, scale
        ),
        p99_ms=check.latency(
            predictor,
            predictor.encode.tuples(feature_values(split.test.head(check.CALLS), contract)),
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

    Permutation importance (Breiman 2001) through the exported model: the mean of SHUFFLES shuffles
    on at most IMPORTANCE_ROWS rows. Many inputs share IMPORTANCE_CELLS shuffled values, so that
    the time does not grow with columns times rows.
    """
    inputs = len(contract.numbers) + len(contract.categories)
    shuffles = min(SHUFFLES, max(1, IMPORTANCE_INPUTS // inputs))
    rows = min(IMPORTANCE_ROWS, max(LEAST_ROWS, IMPORTANCE_CELLS // (shuffles * inputs)))
    chance = np.random.default_rng(seed)
    picked = np.sort(chance.permutation(len(test.target))[:rows])
    numbers, categories = test.inputs[0][picked], test.inputs[1][picked]
    target = test.target[picked]
    sign = 1 if metrics.higher_is_better(contract) else -1

    def value(scores: NDArray[Any]) -> float:
        return metrics.gates_metric(contract, target, scores)

    scores = predictor.score_inputs((numbers, categories))
    whole, lost = value(scores), {}
    for column, name in (
        *((numbers[:, i], name) for i, name in enumerate(contract.numbers)),
        *((categories[:, i], name) for i, name in enumerate(contract.categories)),
    ):
        kept, drops = column.copy(), []
        for _ in range(shuffles):
            column[:] = chance.permutation(kept)
            changed = predictor.score_inputs((numbers, categories))
            is_used = not np.array_equal(changed, scores)  # else nothing is lost, without measuring
            drops.append(sign * (whole - value(changed)) if is_used else 0.0)
        column[:] = kept
        lost[name] = round(float(np.mean(drops)), 5)
    return dict(sorted(lost.items(), key=lambda item: -item[1]))


def _spread(contract: Contract, target: NDArray[Any]) -> float:
    """What a difference of scores is measured in: 1 for probabilities, else the target's spread."""
    if contract.classes:
        return 1.0
    spread = float(np.std(target))
    if spread == 0:
        name = contract.dataset.target
        raise DataError(f"the target {name!r} has one value only; nothing can be learnt from it")
    return spread
