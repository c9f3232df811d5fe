"""What a draft guesses of a column, and that every sentence about it is true of the rows."""

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from engine.contract.read import parse_contract
from engine.core.errors import DataError
from engine.data.read import read_rows
from tools.draft import toml
from tools.draft.draft import draft_contract

from .test_draft import ROWS, drafted, rows, written


def said(found: Any) -> str:
    """Everything that a draft says."""
    return "\n".join(found.all_notes)


@pytest.mark.parametrize(
    ("make", "unit", "first"),
    [
        (lambda i: f"{i / 7:.1f}%", "%", 0.0),
        (lambda i: f"${1000 + i * 37:,.2f}", "$", 1000.0),
        (lambda i: f"{1000 + i * 37} EUR", "EUR", 1000.0),
    ],
)
def test_numbers_with_a_unit_beside_them_are_numbers(
    tmp_path: Path, make: Any, unit: str, first: float
) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"odd": make(i)}))

    assert found.contract.columns["odd"].unit == unit
    assert found.contract.columns["odd"].type in ("number", "integer")
    assert f"'odd' is written with {unit!r}" in said(found)
    frame = read_rows(found.contract.dataset.source, parse_contract(toml.to_toml(found)))
    assert frame["odd"].iloc[0] == first


def test_thousands_with_points_and_a_decimal_comma_are_understood(tmp_path: Path) -> None:
    def euros(i: int, _: random.Random) -> dict[str, Any]:
        text = f"{900 + i * 37:,.2f}".translate(str.maketrans(",.", ".,"))
        return {"paid": text, "share": f"{i},5"}

    found = drafted(tmp_path, rows(euros), separator=";")

    data = found.contract.dataset
    assert (data.decimal, data.thousands) == (",", ".")
    frame = read_rows(data.source, parse_contract(toml.to_toml(found)))
    assert frame["paid"].tolist()[:4] == [900.0, 937.0, 974.0, 1011.0]
    assert frame["share"].tolist()[:2] == [0.5, 1.5]


def test_addresses_and_groups_of_digits_are_no_thousands(tmp_path: Path) -> None:
    def codes(_: int, chance: random.Random) -> dict[str, Any]:
        four = ".".join(str(chance.randrange(100, 256)) for _ in range(4))
        three = " ".join(str(chance.randrange(100, 999)) for _ in range(3))
        return {"machine": four, "called": three}

    found = drafted(tmp_path, rows(codes))

    assert found.contract.dataset.thousands == ""
    assert {found.contract.columns[n].type for n in ("machine", "called")} == {"text"}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le"])
def test_the_encoding_of_a_file_is_found_and_said(tmp_path: Path, encoding: str) -> None:
    table = rows(lambda i, _: {"größe": ["Käthe", "Zoë", "Jürgen"][i % 3]})

    found = drafted(tmp_path, table, encoding=encoding)

    assert found.contract.dataset.encoding == encoding
    assert found.contract.columns["größe"].values == ("Jürgen", "Käthe", "Zoë")
    assert f'dataset.encoding = "{encoding}"' in said(found)


def test_what_is_taken_for_missing_is_listed_with_its_rows(tmp_path: Path) -> None:
    def gaps(i: int, _: random.Random) -> dict[str, Any]:
        return {"charge": " " if i < 11 else i / 7, "work": "?" if i % 8 == 0 else "abc"[i % 3]}

    found = drafted(tmp_path, rows(gaps))

    assert "'?' in 'work' (30); blanks in 'charge' (11)" in said(found)


def test_ids_of_many_values_are_kept_out_and_the_best_named_is_the_entity(tmp_path: Path) -> None:
    def ids(i: int, chance: random.Random) -> dict[str, Any]:
        merchant, customer = chance.randrange(60), chance.randrange(110)
        return {"branch_id": merchant, "customer": f"C{customer}", "spent": i / 7}

    found = drafted(tmp_path, rows(ids))

    assert set(found.contract.features) == {"size", "kind", "spent"}
    assert (found.contract.dataset.entity, found.contract.split.method) == ("customer", "group")


def test_a_text_whose_frequent_values_cover_few_rows_is_no_category(tmp_path: Path) -> None:
    table = [row | {"sku": f"s {i % 900}", "n": i % 7} for i, row in enumerate(rows() * 20)]

    found = drafted(tmp_path, table)

    assert found.contract.columns["sku"].role == "ignored"
    assert "900 different values, of which the 100 most frequent stand in 600 of 4800" in said(
        found
    )


def years(count: int) -> Any:
    """Rows of a country and a year each, oldest first."""
    return lambda i, _: {"year": 1900 + i // (ROWS // count), "country": f"c{i % (ROWS // count)}"}


def test_a_year_in_whole_numbers_decides_the_split_and_may_go_on(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(years(40)))

    data, year = found.contract.dataset, found.contract.columns["year"]
    assert (data.timestamp, found.contract.split.method) == ("year", "time")
    assert (year.role, year.max) == ("feature", 2100)
    assert "rows are split by time, 'year'" in said(found)


def test_a_year_that_names_no_row_is_a_feature_and_said(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(lambda _i, r: {"year": r.randrange(1990, 2020)}))

    assert (found.contract.dataset.timestamp, found.contract.split.method) == (None, "random")
    assert 'dataset.timestamp = "year" and split.method = "time"' in said(found)


def test_a_year_and_its_parts_in_columns_of_their_own_are_one_time(tmp_path: Path) -> None:
    def parts(i: int, _: random.Random) -> dict[str, Any]:
        day = date(2023, 1, 1) + timedelta(days=i * 700 // ROWS)
        return {"Year": day.year, "month": f"{day:%b}", "DAY": day.day}

    found = drafted(tmp_path, rows(parts))

    data, split = found.contract.dataset, found.contract.split
    assert (data.timestamp, split.method, split.then_by) == ("Year", "time", ("month", "DAY"))
    assert found.contract.columns["Year"].max == 2100
    assert "rows are split by time, 'Year' and 'month' and 'DAY'" in said(found)
    assert parse_contract(toml.to_toml(found)).split == split


def test_the_months_of_one_year_are_a_time_and_the_year_no_feature(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"year": 2013, "month": 1 + i % 12}))

    assert (found.contract.dataset.timestamp, found.contract.split.method) == ("year", "time")
    assert found.contract.columns["year"].role == "ignored"
    assert found.reasons["year"] == ["with 'month' it says when a row was true"]
    assert "trees" not in said(found)


def test_months_beyond_the_twelfth_are_no_part_of_a_year(tmp_path: Path) -> None:
    found = drafted(
        tmp_path, rows(lambda i, r: {"year": r.randrange(2010, 2020), "month": 1 + i % 14})
    )

    assert found.contract.dataset.timestamp is None


def test_a_year_that_comes_once_is_a_time_and_no_key(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"year": 1800 + i}))

    assert (found.contract.dataset.timestamp, found.contract.split.method) == ("year", "time")
    assert "'year': looks like a key" not in said(found)


def test_the_names_of_rows_are_a_key_though_some_are_left_out(tmp_path: Path) -> None:
    found = drafted(
        tmp_path, rows(lambda i, _: {"rownames": 1 + i * 7 % 1009, "visits": 1 + i * 7 % 1009})
    )

    roles = {name: column.role for name, column in found.contract.columns.items()}
    assert (roles["rownames"], roles["visits"]) == ("ignored", "feature")
    assert "'rownames': looks like a key" in said(found)


def test_the_year_of_a_model_is_no_time_and_has_no_end(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"model_year": 70 + i % 13}))

    assert found.contract.dataset.timestamp is None
    assert found.contract.columns["model_year"].max > 82
    assert "'model_year'" not in said(found)


def days(step: float) -> Any:
    """A date for each row, so many days apart."""
    start = date(2015, 1, 1)
    return lambda i, _: {"at": (start + timedelta(days=int(i * step))).isoformat()}


def test_a_date_that_spans_years_is_a_feature_too(tmp_path: Path) -> None:
    long, short = (drafted(tmp_path, rows(days(step))) for step in (9, 1))

    assert long.contract.columns["at"].role == "feature"
    assert "'at': when a row was true; it spans years, so its hour, weekday and day" in said(long)
    assert short.contract.columns["at"].role == "ignored"
    assert {c.dataset.timestamp for c in (long.contract, short.contract)} == {"at"}


def test_a_table_of_nothing_but_dates_is_learnt_from_their_parts(tmp_path: Path) -> None:
    table = [{"at": days(1)(i, None)["at"], "y": i % 7 + i / 100} for i in range(ROWS)]

    found = drafted(tmp_path, table, target="y")

    assert list(found.contract.features) == ["at"]
    assert "no other column is left, so its hour, weekday and day of the year" in said(found)


def test_a_proxy_of_a_sensitive_column_is_said(tmp_path: Path) -> None:
    def person(i: int, _: random.Random) -> dict[str, Any]:
        return {"sex": "fm"[i % 2], "title": "Ms" if i % 2 == 0 else "Mr", "other": i % 5}

    found = drafted(tmp_path, rows(person))

    assert "'title' stands for 'sex'" in said(found)
    assert "'other' stands" not in said(found)


@pytest.mark.parametrize(
    ("name", "make", "is_personal"),
    [
        ("PhoneService", lambda i: ["Yes", "No"][i % 2], False),
        ("phone_kind", lambda i: ["mobile", "landline", "none at all"][i % 3], False),
        ("mails_sent", lambda i: i % 9, False),
        ("mail", lambda i: i % 9, False),
        ("phone", lambda i: f"{3012345678 + i * 7}", True),
        ("contact", lambda i: f"p{i % 90}@example.org", True),
        ("account", lambda i: f"DE44 5001 0517 5407 {3249 + i} 31", True),
        (
            "who",
            lambda i: f"{['Allen', 'Braund'][i % 2]}, Mr. {'abcdefgh'[i % 8].upper()} Owen",
            True,
        ),
        ("name", lambda i: f"chevrolet {i % 70}", False),
        ("name", lambda i: f"{'ABCDEFGH'[i % 8]}nna {'XYZUVWRS'[i // 8 % 8]}eller", True),
    ],
)
def test_personal_data_are_guessed_from_names_and_values_together(
    tmp_path: Path, name: str, make: Any, is_personal: bool
) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {name: make(i)}))

    assert found.contract.columns[name].personal is is_personal


@pytest.mark.parametrize(
    ("columns", "top", "is_sensitive", "why"),
    [
        (("age", "income"), 90, True, ""),
        (("age", "cement"), 90, False, "no other column speaks of people"),
        (("age", "income"), 365, False, "it goes from 0 to 365"),
        (("house_age", "income"), 90, False, "its name speaks of 'house'"),
        (("SeniorCitizen", "tenure"), 1, True, ""),
    ],
)
def test_an_age_is_that_of_a_person_only_where_people_are_meant(
    tmp_path: Path, columns: tuple[str, str], top: int, is_sensitive: bool, why: str
) -> None:
    name, other = columns
    found = drafted(tmp_path, rows(lambda i, _: {name: i * 7 % (top + 1), other: i % 50}))

    column = found.contract.columns[name]
    assert (column.sensitive, column.role) == (
        (True, "audit") if is_sensitive else (False, "feature")
    )
    assert why in said(found)
    assert ("age of a thing" in said(found)) is bool(why)


@pytest.mark.parametrize(
    ("make", "low", "high", "is_code"),
    [
        (lambda i: 1 + i % 3, 1, 3, True),
        (lambda i: i % 2, 0, 1, True),
        (lambda i: i % 24, 0, 23, True),
        (lambda i: int(np.random.default_rng(i).poisson(3)), 0, 9, False),
        (lambda i: [1, 2, 4][i % 3], 0, 5, False),
    ],
)
def test_a_code_keeps_its_ends_and_a_count_goes_on(
    tmp_path: Path, make: Any, low: float, high: float, is_code: bool
) -> None:
    found = drafted(tmp_path, rows(lambda i, _: {"n": make(i)}))

    column = found.contract.columns["n"]
    assert (column.min, column.max) == (low, high)
    assert ("look like codes may not go beyond: 'n'" in said(found)) is is_code


def test_a_strong_honest_feature_is_kept_and_said(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    truth = np.arange(3000) % 3 == 0
    table = [
        {"x": round(float(chance.normal(3.2 * hit)), 4), "z": i % 7, "fraud": int(hit)}
        for i, hit in enumerate(truth)
    ]

    found = drafted(tmp_path, table, target="fraud")

    assert set(found.contract.features) == {"x", "z"}
    assert "kept as a feature, because an honest column may do so" in said(found)


def test_a_sum_of_parts_is_withheld_and_said(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    table = [
        {"fare": f, "tip": t, "far": i % 9, "total": round(f + t, 2)}
        for i, (f, t) in enumerate(chance.gamma(2, 5, (300, 2)).round(2))
    ]

    found = drafted(tmp_path, table, target="total")

    assert list(found.contract.features) == ["far"]
    assert "'fare' + 'tip' is 100% of it: kept from the model as a leak" in said(found)


def test_lists_and_numbers_beyond_a_model_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    table = rows(lambda i, _: {"tags": [i], "huge": 1e300 * i, "endless": float("inf") if i else 0})
    parquet.write_table(pa.Table.from_pylist(table), path)

    found = draft_contract(str(path), "answer")

    assert set(found.contract.features) == {"size", "kind"}
    assert "'tags' hold lists or records: left out" in said(found)
    assert "a model takes numbers up to 3.4e+38" in said(found)
    parse_contract(toml.to_toml(found))


@pytest.mark.parametrize(
    ("make", "answered", "task"),
    [
        (lambda i: 1 + i % 5, None, "classification"),
        (lambda i: 1 + i % 5, "classification", "classification"),
        (lambda i: 1 + i % 5, "regression", "regression"),
        (lambda i: i % 2, "regression", "classification"),
        (lambda i: i / 7, "classification", "regression"),
        (lambda i: "abc"[i % 3], "regression", "classification"),
    ],
)
def test_what_the_repository_was_made_for_decides_where_the_values_do_not(
    tmp_path: Path, make: Any, answered: Any, task: str
) -> None:
    source = written(tmp_path, rows(lambda i, _: {"t": make(i)}))

    assert draft_contract(source, "t", answered=answered).contract.dataset.task == task


def test_texts_are_no_target_of_a_regression_and_the_refusal_says_so(tmp_path: Path) -> None:
    source = written(tmp_path, rows(lambda i, _: {"t": f"about {i}"}))

    with pytest.raises(DataError, match="which this repository was made for, needs numbers"):
        draft_contract(source, "t", answered="regression")
