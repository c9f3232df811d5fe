"""Training, batches and single requests see the same numbers."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from .conftest import contract as contracts
from .conftest import data, examples, features, request
from .made_up import inside, project


def test_a_request_gives_the_same_inputs_as_the_row_of_a_file(
    contract_file: Path, tmp_path: Path
) -> None:
    with inside(project(tmp_path / "p", contract_file, 50)):
        contract = contracts.load()
        frame = data.read("data/rows.csv", contract)
    encoder = features.Encoder(contract)
    offline = encoder.columns(data.inputs(frame, contract))

    body = json.dumps({"rows": examples.rows(contract, 50)}).encode()
    decode = request.Decoder({name: contract.features[name] for name in encoder.order})
    online = encoder.rows(decode(body))

    np.testing.assert_array_equal(online[0], offline[0])
    np.testing.assert_array_equal(online[1], offline[1])


def test_shapes_follow_the_contract(any_contract: Any) -> None:
    encoder = features.Encoder(any_contract)

    numbers, categories = encoder.rows([(None,) * len(encoder.order)] * 3)

    assert numbers.shape == (3, len(any_contract.numbers))
    assert categories.shape == (3, len(any_contract.categories))
    assert np.isnan(numbers).all()
    assert (categories == "").all()


def test_the_clock_is_read_in_utc() -> None:
    noon = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)

    assert features.clock(noon) == (12.5, 0.0)
    assert features.clock(noon.astimezone(timezone(timedelta(hours=9)))) == (12.5, 0.0)
    assert features.clock(noon.replace(tzinfo=None)) == (12.5, 0.0)


def test_the_first_and_the_last_day_of_the_calendar_have_a_clock() -> None:
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=10)))
    last = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2)))

    assert features.clock(first) == (14.0, 6.0)
    assert features.clock(last) == (1.0, 5.0)
