"""What moved a prediction is what the model would answer otherwise with the typical value."""

from typing import Any

import msgspec
import numpy as np
import pytest

from engine.contract import example_rows as examples
from engine.registry import explanation
from engine.registry.explanation import Explainer

from .made_up import decoded


def explained(predictor: Any, rows: list[tuple[Any, ...]]) -> tuple[Any, Any, Any]:
    """The explainer, what it finds on these rows, and the places that were explained."""
    explainer = Explainer(predictor.bundle)
    inputs = predictor.encode.rows(rows)
    scores = predictor.score_inputs(inputs)
    decided = predictor.decide(scores) if predictor.classes else None
    places = explainer.explained(decided, len(rows))
    return explainer, explainer.changes(predictor.score_inputs, inputs, scores, places), places


def test_each_change_is_that_of_the_row_with_its_typical_value(
    predictor_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanation, "PROBES", 16)  # the model is asked in several portions
    contract = predictor_of.contract
    asked = examples.rows(contract, 12, seed=4)

    explainer, changes, places = explained(predictor_of, decoded(contract, asked))

    assert set(explainer.names) == set(contract.features) - contract.personal
    for number, row in enumerate(asked):
        [own] = predictor_of.score(decoded(contract, [row]))
        for at, name in enumerate(explainer.names):
            usual = {**row, name: explainer.typical[name]}
            [other] = predictor_of.score(decoded(contract, [usual]))
            wanted = float(own[places[number]]) - float(other[places[number]])
            assert np.nan_to_num(changes[number, at]) == pytest.approx(wanted, abs=1e-5)


def test_what_is_typical_already_is_not_asked_about(predictor_of: Any) -> None:
    contract = predictor_of.contract
    typical = predictor_of.bundle.manifest.typical
    row = {**examples.rows(contract, 1)[0], **typical}
    calls = []

    explainer = Explainer(predictor_of.bundle)
    inputs = predictor_of.encode.rows(decoded(contract, [row]))
    scores = predictor_of.score_inputs(inputs)
    found = explainer.changes(lambda i: calls.append(i), inputs, scores, np.zeros(1, np.intp))  # type: ignore[func-returns-value, arg-type, return-value]

    assert np.isnan(found).all()
    assert not calls


def test_the_class_that_is_asked_about_is_explained_else_the_answer(predictor_of: Any) -> None:
    contract = predictor_of.contract
    decided = np.array([0, len(contract.classes) - 1]) if contract.classes else None

    places = Explainer(predictor_of.bundle).explained(decided, 2).tolist()

    if contract.positive:
        assert places == [contract.classes.index(contract.positive)] * 2
    elif contract.classes:
        assert places == [0, len(contract.classes) - 1]
    else:
        assert places == [0, 0]


def test_a_personal_column_is_neither_kept_nor_explained(predictor_of: Any) -> None:
    bundle, contract = predictor_of.bundle, predictor_of.contract
    name = next(iter(contract.features))
    column = msgspec.structs.replace(contract.columns[name], personal=True)
    changed = msgspec.structs.replace(contract, columns={**contract.columns, name: column})

    explainer = Explainer(msgspec.structs.replace(bundle, contract=changed))

    assert name not in explainer.names
    assert not set(bundle.manifest.typical) & contract.personal
