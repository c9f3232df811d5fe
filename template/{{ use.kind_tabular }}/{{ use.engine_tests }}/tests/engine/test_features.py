"""Training, batches and single requests see the same numbers."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from engine.contract import schema
from engine.contract.schema import Contract
from engine.features import encode as features


def test_shapes_follow_the_contract(any_contract: Any) -> None:
    encoder = features.Encoder(any_contract)

    numbers, categories = encoder.rows([(None,) * len(encoder.order)] * 3)

    assert numbers.shape == (3, len(any_contract.numbers))
    assert categories.shape == (3, len(any_contract.categories))
    assert np.isnan(numbers).all()
    assert (categories == "").all()


def test_the_clock_is_read_in_utc() -> None:
    noon = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)

    assert features.clock(noon) == (12.5, 0.0, 5.0)
    assert features.clock(noon.astimezone(timezone(timedelta(hours=9)))) == (12.5, 0.0, 5.0)
    assert features.clock(noon.replace(tzinfo=None)) == (12.5, 0.0, 5.0)


def test_the_first_and_the_last_day_of_the_calendar_have_a_clock() -> None:
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=10)))
    last = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2)))

    assert features.clock(first) == (14.0, 6.0, 1.0)
    assert features.clock(last) == (1.0, 5.0, 365.0)


def test_whole_columns_are_encoded_as_their_rows_are(any_contract: Contract) -> None:
    chance = np.random.default_rng(0)
    encoder, columns = features.Encoder(any_contract), dict[str, Any]()
    for name, column in any_contract.features.items():
        if column.type == "datetime":
            moments = chance.integers(-62_000_000_000_000_000, 250_000_000_000_000_000, 500)
            moments[::7] = np.iinfo(np.int64).min
            columns[name] = moments.astype("datetime64[us]")
        elif column.type == "category":
            columns[name] = chance.choice(np.array([*column.values, "other", None], object), 500)
        else:
            columns[name] = np.where(chance.random(500) < 0.1, np.nan, chance.normal(size=500))

    numbers, categories = encoder.columns(columns)
    by_row = encoder.rows(encoder.tuples(columns))

    assert (numbers.dtype, categories.dtype) == (np.float32, object)
    np.testing.assert_array_equal(numbers, by_row[0])
    np.testing.assert_array_equal(categories, by_row[1])


def test_another_part_of_a_datetime_moves_no_other_number(
    any_contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = ("hour", "weekday", "yearday", "month")
    monkeypatch.setattr(schema, "PARTS", four)
    monkeypatch.setattr(features, "PARTS", four)

    encoder = features.Encoder(replace(any_contract))

    kinds = {any_contract.features[name].type for name in encoder.plain}
    assert kinds <= {"number", "integer", "boolean"}
    plain = [n for n, c in any_contract.features.items() if c.type in kinds]
    assert list(encoder.plain) == plain
