"""Tensors say what a body of /v1/predict says, and what is wrong with them is named."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from engine.contract.schema import Contract
from engine.core.errors import RequestError
from engine.serving.rows import open_inference
from engine.serving.rows.open_inference import Tensor
from engine.serving.rows.request import Decoder

from .made_up import requests

NEVER: list[Any] = [[], {}, "\ud800", float("inf"), 10**400, [[[]]]]


def as_lists(contract: Contract, rows: list[dict[str, Any]]) -> list[Tensor]:
    """Rows as a client sends them in JSON."""
    kinds = {each["name"]: each["datatype"] for each in open_inference.inputs(contract)}
    return [
        Tensor(name, kind, [len(rows)], [r[name] for r in rows]) for name, kind in kinds.items()
    ]


def as_arrays(contract: Contract, rows: list[dict[str, Any]]) -> list[Tensor]:
    """The same as arrays, in which nothing can be null."""
    return [
        replace(each, shape=[len(rows), 1], data=_array(each)) for each in as_lists(contract, rows)
    ]


def _array(tensor: Tensor) -> Any:
    if tensor.datatype == "BYTES":
        texts = [(value or "").encode() for value in tensor.data]
        return np.array(texts, dtype=object).reshape(-1, 1)
    numbers = [np.nan if value is None else value for value in tensor.data]
    return np.array(numbers, open_inference.NUMPY[tensor.datatype]).reshape(-1, 1)


def problems(tensors: list[Tensor], contract: Contract) -> list[tuple[str, str | None]]:
    with pytest.raises(RequestError) as caught:
        Decoder(contract.sent)(open_inference.body(tensors, contract))
    return [(problem.rule, problem.column) for problem in caught.value.problems]


def changed(tensors: list[Tensor], name: str, **fields: Any) -> list[Tensor]:
    return [replace(each, **fields) if each.name == name else each for each in tensors]


def test_lists_and_arrays_say_what_rows_say(any_contract: Contract) -> None:
    rows = requests(any_contract, 50)
    decode = Decoder(any_contract.sent)
    said = decode(msgspec.json.encode({"rows": rows}))
    nested = [
        replace(each, shape=[50, 1], data=[[value] for value in each.data])
        for each in as_lists(any_contract, rows)
    ]

    for tensors in (as_lists(any_contract, rows), nested, as_arrays(any_contract, rows)):
        assert decode(open_inference.body(tensors, any_contract)) == said
    assert (
        len(rows) == 1
        or any(None in row for row in said)
        or not any(column.nullable for column in any_contract.sent.values())
    )


def test_a_tensor_that_is_missing_unknown_or_given_twice_is_named(any_contract: Contract) -> None:
    tensors = as_lists(any_contract, requests(any_contract, 2))
    first, *others = tensors

    assert problems(others, any_contract) == [("required", first.name)]
    assert problems([*tensors, replace(first, name="\ud800")], any_contract) == [
        ("unknown column", "\\ud800")
    ]
    assert problems([*tensors, first], any_contract) == [("each tensor once", first.name)]


def test_datatype_shape_and_length_must_fit(any_contract: Contract) -> None:
    tensors = as_lists(any_contract, requests(any_contract, 2))
    for name, column in any_contract.sent.items():
        is_text = open_inference.datatype(column) == "BYTES"
        wrong: list[dict[str, Any]] = [
            {"datatype": "FP64" if is_text else "BYTES"},
            {"datatype": "\ud800"},
            {"shape": [1, 2]},
            {"shape": []},
            {"shape": [3]},
            {"shape": [2, 1], "data": [[1, 2], [3, 4]]},
            {"shape": [2, 1], "data": [[1], 2]},
        ]
        for fields in wrong:
            [(_, column_name)] = problems(changed(tensors, name, **fields), any_contract)
            assert column_name == name
        if len(tensors) > 1:
            shorter = changed(tensors, name, shape=[1], data=[1])
            assert problems(shorter, any_contract) == [("as many rows in every tensor", None)]


def test_too_many_rows_are_refused_before_they_are_looked_at(any_contract: Contract) -> None:
    tensors = as_lists(any_contract, requests(any_contract, 3))
    wrong = [replace(each, shape=[], datatype="nothing") for each in tensors]

    with pytest.raises(RequestError, match="a request holds 1 to 2 rows, this one 3"):
        open_inference.body(wrong, any_contract, most_rows=2)


def test_a_value_breaks_the_same_rule_as_in_a_row(any_contract: Contract) -> None:
    row = requests(any_contract)[0]
    tensors = as_lists(any_contract, [row])
    for name in any_contract.sent:
        for value in NEVER:
            with pytest.raises(RequestError) as like:
                Decoder(any_contract.sent)(json.dumps({"rows": [{**row, name: value}]}).encode())
            with pytest.raises(RequestError) as here:
                Decoder(any_contract.sent)(
                    open_inference.body(changed(tensors, name, data=[value]), any_contract)
                )
            if not isinstance(value, list):
                assert here.value.problems == like.value.problems


def test_what_may_not_be_missing_is_refused(any_contract: Contract) -> None:
    tensors = as_arrays(any_contract, requests(any_contract, 1))
    for name, column in any_contract.sent.items():
        empty = b"" if open_inference.datatype(column) == "BYTES" else np.nan
        fields: Any = {"data": np.array([empty], dtype=object if empty == b"" else float)}
        if empty != b"":
            fields["datatype"] = "FP64"
        sent = changed(tensors, name, **fields)
        if column.nullable:
            Decoder(any_contract.sent)(open_inference.body(sent, any_contract))
        elif "" not in column.values:
            [(_, column_name)] = problems(sent, any_contract)
            assert column_name == name


def test_a_text_that_is_no_utf8_is_named_with_its_row(any_contract: Contract) -> None:
    tensors = as_arrays(any_contract, requests(any_contract, 2))
    texts = [each.name for each in tensors if each.datatype == "BYTES"]
    for name in texts:
        data = np.array([b"a", b"\xff"], dtype=object)
        with pytest.raises(RequestError, match=r"row 1: .* must be a text in UTF-8") as caught:
            open_inference.body(changed(tensors, name, data=data), any_contract)
        assert caught.value.problems[0].column == name


def test_answers_come_out_as_they_are(any_contract: Contract) -> None:
    classes = any_contract.classes
    shares = {name: 0.1 + 0.2 / (number + 1) for number, name in enumerate(classes)}
    said = {"label": classes[-1], "probabilities": shares} if classes else {"value": 0.1 + 0.2}
    states = (
        {"features": dict.fromkeys(any_contract.tables, "fresh")} if any_contract.tables else {}
    )
    answer = {"id": "a", "fallback": True, **said, **states, "explanation": {"changes": []}}
    content = {"model_version": 3, "run_id": "r", "predictions": [answer, answer]}

    found = {each.name: each for each in open_inference.tensors(content, any_contract)}

    described = {each["name"]: each for each in open_inference.outputs(any_contract)}
    assert found.keys() == {*described, "explanation"}
    for name, each in described.items():
        tensor = found[name]
        assert (tensor.datatype, tensor.shape) == (each["datatype"], [2, each["shape"][1]])
        assert open_inference.array(tensor).shape == (2, each["shape"][1])
    key = "probabilities" if classes else "value"
    given = [*shares.values()] if classes else [0.1 + 0.2]
    assert open_inference.array(found[key]).tolist() == [given, given]
    assert open_inference.array(found["id"]).tolist() == [[b"a"], [b"a"]]
    assert open_inference.parameters(content) == {"model_version": 3, "run_id": "r"}
