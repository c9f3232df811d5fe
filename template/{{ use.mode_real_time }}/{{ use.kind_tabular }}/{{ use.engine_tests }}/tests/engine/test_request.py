"""What a request may hold follows from the contract, and a refusal names the fault."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.contract import example_rows as examples
from engine.contract import types as column_types
from engine.contract.read import load_contract
from engine.contract.schema import Column, Contract
from engine.core.errors import Problem, RequestError
from engine.data.read import feature_values, read_rows
from engine.features import encode as features
from engine.features.encode import Encoder
from engine.features.lookup import complete
from engine.serving.rows import request

from .made_up import inside, project

NEVER = ["1e999", "-1e999", "NaN", "-Infinity", "1" + "0" * 5000, "[]", "{}", '"\\ud800"']
MALFORMED = {
    "nothing": b"",
    "half an object": b'{"rows": [',
    "two documents": b"{} {}",
    "bad UTF-8": b'{"rows": "\xff"}',
    "UTF-16": '{"rows": []}'.encode("utf-16"),
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "deep nesting": b'{"rows":' + b"[" * 100_000,
    "the same key twice": b'{"rows": [], "rows": []}',
}


def decoder(contract: Contract) -> request.Decoder:
    order = features.Encoder(contract).order
    return request.Decoder({name: contract.features[name] for name in order}, 100)


def body(rows: list[dict[str, Any]], **raw: str) -> bytes:
    """A body in which the values of some columns are replaced by raw JSON, in every row."""
    marked = [{**row, **{name: f"@{name}@" for name in raw}} for row in rows]
    text = json.dumps({"rows": marked}, ensure_ascii=False)
    for name, value in raw.items():
        text = text.replace(json.dumps(f"@{name}@", ensure_ascii=False), value)
    return text.encode()


def problems(decode: request.Decoder, content: bytes) -> list[Problem]:
    with pytest.raises(RequestError) as caught:
        decode(content)
    found: list[Problem] = caught.value.problems
    json.dumps([problem.as_dict() for problem in found], allow_nan=False).encode()
    return found


def test_rows_that_the_contract_allows_arrive_in_its_order(any_contract: Any) -> None:
    rows = examples.rows(any_contract, 50)
    decode = decoder(any_contract)

    found = decode(body(rows))

    assert [len(row) for row in found] == [len(any_contract.features)] * 50
    assert found == decode(json.dumps({"rows": rows}).encode())  # escaped or not


@pytest.mark.parametrize("value", NEVER)
def test_no_column_takes_it_and_the_column_is_named(any_contract: Any, value: str) -> None:
    rows = examples.rows(any_contract, 3)
    for name in any_contract.features:
        found = problems(decoder(any_contract), body(rows[:2], **{name: value}))

        assert {(p.row, p.column) for p in found} == {(0, name), (1, name)}


def test_a_value_out_of_range_or_of_another_type_is_refused(any_contract: Any) -> None:
    wrong = {
        "category": ["1", "true"],
        "boolean": ["0", '"yes"'],
        "datetime": ['"soon"', "0", '"2026-01-31T12:00:00"'],
    }
    for name, column in any_contract.features.items():
        values = [*wrong.get(column.type, ['"1"', "true", "3.5e38"])]
        values += [] if column.min is None else [str(column.min - 1)]
        values += [] if column.max is None else [str(column.max + 1)]
        values += [] if column.nullable else ["null"]
        values += ["0.5"] if column.type == "integer" else []
        values += ['"never seen"'] if column.values and column.unknown == "refuse" else []
        for value in values:
            [found] = problems(
                decoder(any_contract), body(examples.rows(any_contract), **{name: value})
            )

            assert (found.column, found.rule) == (name, column_types.rule(column)), value


def test_missing_and_unknown_columns_are_all_named(any_contract: Any) -> None:
    [row] = examples.rows(any_contract)
    dropped = next(iter(row))
    del row[dropped]
    row["nobody's"] = 1

    found = problems(decoder(any_contract), body([row]))

    assert {(p.rule, p.column) for p in found} == {
        ("required", dropped),
        ("unknown column", "nobody's"),
    }


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_json_is_told_from_wrong_values(any_contract: Any, content: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        decoder(any_contract)(content)

    assert caught.value.malformed


def test_a_column_given_twice_is_refused_wherever_it_stands(any_contract: Any) -> None:
    good = body(examples.rows(any_contract, 3)).decode()
    for name in any_contract.features:
        key = json.dumps(name, ensure_ascii=False)
        again = good.replace("}", f", {key}: null}}", 1)
        with pytest.raises(RequestError, match="given twice"):
            decoder(any_contract)(again.encode())


@pytest.mark.parametrize(
    "content",
    [
        b'[{"id": "a", "outcome": 1}, {"id": "b", "outcome": 1, "value": 1, "value": 2}]',
        b'[{"id": "a", "outcome": 1}, {"id": "b", "id": "c", "outcome": 1}]',
        b'[{"id": "x", "outcome": 1, "outcome": 2}]',
    ],
)
def test_a_key_given_twice_is_refused_where_another_may_be_left_out(content: bytes) -> None:
    columns = {
        "id": Column(type="text"),
        "outcome": Column(type="number"),
        "value": Column(type="number", nullable=True),
    }
    decode = request.Decoder(columns, plural="outcomes", optional=frozenset({"value"}))

    with pytest.raises(RequestError, match="given twice"):
        decode(b'{"outcomes": %s}' % content)


@pytest.mark.parametrize("count", [0, 101])
def test_too_few_and_too_many_rows_are_refused(any_contract: Any, count: int) -> None:
    [found] = problems(decoder(any_contract), body(examples.rows(any_contract, count)))

    assert (found.rule, found.value) == ("1 to 100 rows", count)


@pytest.mark.parametrize("content", [b"null", b"[]", b"{}", b'{"rows": 1}', b'{"rows": [1]}'])
def test_another_shape_is_refused(any_contract: Any, content: bytes) -> None:
    assert problems(decoder(any_contract), content)[0].rule == "shape"


def test_names_that_json_must_escape_are_checked_all_the_same() -> None:
    columns = {
        'say "x"': Column(type="number"),
        "back\\slash": Column(type="text"),
    }
    decode = request.Decoder(columns)
    good = {'say "x"': 1.5, "back\\slash": "y"}

    assert decode(body([good])) == [(1.5, "y")]
    for value in [*NEVER, "true"]:
        assert problems(decode, body([good], **{'say "x"': value}))[0].column == 'say "x"'
    assert problems(decode, body([good], **{"back\\slash": '"\\ud800"'}))[0].column == "back\\slash"
    assert problems(decode, body([{**good, "f0": 1}]))[0].rule == "unknown column"
    with pytest.raises(RequestError, match="given twice"):
        decode(body([good]).replace(b"}", b', "back\\\\slash": "z"}', 1))


def test_thousands_of_faults_are_cut_short(any_contract: Any) -> None:
    content = json.dumps({"rows": [{"x": 1}] * 100}).encode()

    assert len(problems(decoder(any_contract), content)) == request.MOST_PROBLEMS


def test_a_request_gives_the_same_inputs_as_the_row_of_a_file(
    contract_file: Path, tmp_path: Path
) -> None:
    with inside(project(tmp_path / "p", contract_file, 50)):
        contract = load_contract()
        frame = complete(read_rows("data/rows.csv", contract), contract)
    encoder = Encoder(contract)
    offline = encoder.columns(feature_values(frame, contract))

    body = json.dumps({"rows": examples.rows(contract, 50)}).encode()
    decode = request.Decoder({name: contract.features[name] for name in encoder.order})
    online = encoder.rows(decode(body))

    np.testing.assert_array_equal(online[0], offline[0])
    np.testing.assert_array_equal(online[1], offline[1])
