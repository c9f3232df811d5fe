"""A batch is judged and scored as single requests are, for each contract."""

import random
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from engine.batch.rows import checker as rows
from engine.batch.rows import coded_model
from engine.contract import example_rows as examples
from engine.registry import predictor
from engine.registry.registry import Registry

from .batch_jobs import strict
from .made_up import decoded

COUNT = 300


def table(contract: Any, found: list[dict[str, Any]], *, as_text: bool = False) -> pa.RecordBatch:
    """Requests as a file would hold them: with its own types, or as text."""
    columns = {}
    for name, column in contract.features.items():
        values = [row[name] for row in found]
        if column.type == "datetime" and not as_text:
            values = [value and datetime.fromisoformat(value) for value in values]
        if as_text:
            values = [None if value is None else str(value) for value in values]
            columns[name] = pa.array(values, pa.string())
        else:
            columns[name] = pa.array(values)
    return pa.RecordBatch.from_pydict(columns)


def spoilt(contract: Any, row: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The row with one value that may break a rule, of the right type for a file."""
    name = chance.choice(list(contract.features))
    column = contract.features[name]
    if column.type in ("number", "integer"):
        low, high = examples.bounds(column)
        row[name] = chance.choice([None, low - 1, high + 1, float(high), low, 0.5, -0.0])
    elif column.type == "category":
        row[name] = chance.choice([None, "never seen", *column.values])
    else:
        row[name] = None
    return row


@pytest.mark.parametrize("as_text", [False, True])
def test_inputs_and_scores_are_those_of_requests(
    any_contract: Any, bundle_store: Any, *, as_text: bool
) -> None:
    found = examples.rows(any_contract, COUNT, 5)
    bundle = Registry(bundle_store).load()[1]
    one_by_one = predictor.Predictor(bundle)
    body = one_by_one.encode.rows(decoded(any_contract, found))
    model = coded_model.CodedModel(bundle)

    checked = rows.Checker(any_contract)(table(any_contract, found, as_text=as_text))

    assert not checked.faults
    np.testing.assert_array_equal(checked.numbers, body[0])
    assert model.texts(checked.codes).tolist() == body[1].tolist()
    assert model.is_coded
    expected = one_by_one.score_inputs(body)
    np.testing.assert_array_equal(model.score(checked.numbers, checked.codes), expected)


def test_a_row_is_refused_where_a_request_would_be(any_contract: Any) -> None:
    chance = random.Random(9)
    found = [spoilt(any_contract, row, chance) for row in examples.rows(any_contract, COUNT, 6)]

    checked = rows.Checker(any_contract)(table(any_contract, found))

    for place, row in enumerate(found):
        try:
            decoded(any_contract, [row])
            accepted = True
        except msgspec.ValidationError:
            accepted = False
        assert checked.is_good[place] == accepted, row
        assert (place in checked.faults) != accepted
    assert 0 < checked.is_good.sum() < COUNT


@pytest.mark.parametrize("personal", [False, True])
def test_a_fault_names_column_value_and_rule_but_nothing_personal(
    any_contract: Any, *, personal: bool
) -> None:
    name = strict(any_contract)
    column = msgspec.structs.replace(any_contract.columns[name], personal=personal)
    columns = {**any_contract.columns, name: column}
    terms = msgspec.structs.replace(any_contract, columns=columns)
    found = examples.rows(any_contract, 3, 7)
    texts = table(any_contract, found, as_text=True)
    spoilt_column = pa.array(
        [None if v is None else "s3cret" for v in texts.column(name).to_pylist()]
    )
    texts = texts.set_column(texts.schema.get_field_index(name), name, spoilt_column)

    checked = rows.Checker(terms)(texts)

    said = " ".join(checked.faults.values())
    assert repr(name) in said
    assert ("s3cret" in said) != personal
