"""Rows come in typed, are checked rule by rule, and are split the same way every time."""

import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as parquet
import pytest

from engine.contract.read import parse_contract
from engine.contract.schema import Column, Dataset
from engine.core.errors import DataError
from engine.data.checks import check_rows
from engine.data.read import feature_values, in_arrow, read_file, read_rows, typed_rows
from engine.data.signs.copies import copies, repeated, said, warnings
from engine.data.signs.leaks import find_leaks
from engine.data.signs.proxies import proxies
from engine.data.split import MONTHS, split_rows
from engine.data.types import typed
from engine.features import encode as features
from tools.report import describe

TEXT = """
[dataset]
source = "rows.csv"
target = "y"
task = "classification"
classes = ["a", "b"]
positive = "b"
entity = "who"
timestamp = "when"
[split]
[columns.n]
type = "number"
nullable = true
min = 0
[columns.i]
type = "integer"
max = 100
[columns.f]
type = "boolean"
nullable = true
[columns.c]
type = "category"
values = ["1", "k", "true"]
nullable = true
[columns.t]
type = "datetime"
nullable = true
[columns.secret]
type = "number"
max = 1
personal = true
[columns.unused]
type = "number"
role = "ignored"
[gates]
metric = "roc_auc"
floor = 0.5
"""
HEADER = "n,i,f,c,t,secret,y,who,when,more\n"
GOOD = "0.5,1,yes,k,2026-01-05 12:30:00,0,a,w1,2026-01-01,x\n"


def parsed(**split: Any) -> Any:
    """The contract above, with another split."""
    rules = "".join(f"{name} = {value!r}\n" for name, value in split.items())
    return parse_contract(TEXT.replace("[split]\n", f"[split]\n{rules}"))


def read(folder: Path, lines: str, how: Any = None, encoding: str = "utf-8") -> pd.DataFrame:
    """The frame of a CSV file with these lines."""
    path = folder / "rows.csv"
    path.write_bytes((HEADER + lines).encode(encoding))
    return read_rows(str(path), how or parsed())


def many(count: int = 100) -> pd.DataFrame:
    """A frame of good rows: two of each entity, one after the other."""
    chance = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "n": chance.random(count),
            "i": chance.integers(0, 100, count).astype(float),
            "f": chance.integers(0, 2, count).astype(float),
            "c": chance.choice(["1", "k"], count).astype(object),
            "t": pd.Timestamp("2026-01-01"),
            "secret": 0.0,
            "y": np.array(["a", "b"], dtype=object)[chance.integers(0, 2, count)],
            "who": np.array([f"w{i // 2}" for i in range(count)], dtype=object),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(count) // 4, unit="h"),
        }
    )


def test_a_row_is_typed_as_the_contract_says(tmp_path: Path) -> None:
    frame = read(tmp_path, GOOD)
    given = feature_values(frame, parsed())

    check_rows(frame, parsed())
    assert "more" not in frame
    assert "unused" not in frame
    numbers, categories = features.Encoder(parsed()).columns(given)
    assert numbers.tolist() == [[0.5, 1.0, 1.0, 0.0, 12.5, 0.0, 5.0]]
    assert categories.tolist() == [["k"]]


@pytest.mark.parametrize("marker", ["", "  ", "NA", "na", "NaN", "NULL", "None", "?", "n/A"])
def test_a_missing_value_may_be_written_in_many_ways(tmp_path: Path, marker: str) -> None:
    row = f"{marker},1,{marker},{marker},{marker},0,{marker},w1,2026-01-01,x\n"

    frame = read(tmp_path, row)

    assert frame[["n", "f", "c", "t", "y"]].isna().all(axis=None)
    assert feature_values(frame, parsed())["t"].tolist() == [None]
    assert feature_values(frame, parsed())["c"].tolist() == [None]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("n", pa.array([1, None], pa.int16())),
        ("n", pa.array([1.5, float("nan")], pa.float32())),
        ("n", pa.array([Decimal("1.25"), None])),
        ("n", pa.array(["1.5", "NA"]).dictionary_encode()),
        ("f", pa.array([True, None])),
        ("f", pa.array([1, 0], pa.int8())),
        ("f", pa.array(["Yes", "no"])),
        ("c", pa.array(["k", None]).dictionary_encode()),
        ("c", pa.array([1, None])),
        ("c", pa.array([1.0, None])),
        ("c", pa.array([True, None])),
        ("t", pa.array([datetime(2026, 1, 5, 12), None], pa.timestamp("ns"))),
        ("t", pa.array([datetime(2026, 1, 5, 12), None], pa.timestamp("ms", tz="Europe/Paris"))),
        ("t", pa.array([date(2026, 1, 5), None])),
        ("t", pa.array(["2026-01-05T12:00:00+02:00", None])),
    ],
)
def test_parquet_comes_out_like_its_csv_twin(tmp_path: Path, column: str, values: Any) -> None:
    rest = read_file(str(_csv(tmp_path, HEADER + GOOD * 2)))
    table = rest.set_column(rest.column_names.index(column), column, values)
    parquet.write_table(table, tmp_path / "rows.parquet")
    written = table.set_column(rest.column_names.index(column), column, _as_csv(values))

    packed = read_rows(str(tmp_path / "rows.parquet"), parsed())
    plain = typed_rows(written, parsed(), "twin")

    pd.testing.assert_frame_equal(packed, plain)
    check_rows(packed, parsed())


def _csv(folder: Path, text: str) -> Path:
    path = folder / "rest.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _as_csv(values: Any) -> Any:
    """The values as pandas would write them to a CSV file."""
    text = pd.DataFrame({"v": values.to_pandas()}).to_csv(index=False).splitlines()[1:]
    return pa.array(["" if line == '""' else line for line in text])


def test_quoted_line_breaks_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    frame = read(tmp_path, GOOD.replace("w1", '"w\n1"') + GOOD, encoding="utf-8-sig")

    assert frame["who"].tolist() == ["w\n1", "w1"]


def test_decimal_commas_and_days_first_are_read_when_the_contract_says_so(tmp_path: Path) -> None:
    how = parse_contract(
        TEXT.replace("[split]", 'separator = ";"\ndecimal = ","\ndates = "day_first"\n[split]')
    )
    row = "0,5;1;t;k;3.4.2026 3:05 PM;0;a;w;2026-01-02;x\n"
    path = _csv(tmp_path, HEADER.replace(",", ";") + row)

    frame = read_rows(str(path), how)

    assert frame["n"].tolist() == [0.5]
    assert feature_values(frame, how)["t"].tolist() == [datetime(2026, 4, 3, 15, 5)]
    assert frame["when"].tolist() == [pd.Timestamp("2026-01-02")]


@pytest.mark.parametrize(
    ("order", "text", "good"),
    [
        ("day_first", "31/1/26", True),
        ("day_first", "1/31/26", False),
        ("month_first", "1/31/2026 10:00", True),
        ("month_first", "31/1/2026 10:00", False),
        ("iso", "31/1/2026", False),
        ("iso", "2026-01-31T10:00:00.5+02:00", True),
    ],
)
def test_a_date_in_another_order_is_a_fault_and_never_guessed(
    tmp_path: Path, order: str, text: str, good: bool
) -> None:
    how = parse_contract(TEXT.replace("[split]", f'dates = "{order}"\n[split]'))

    frame = read(tmp_path, GOOD.replace("2026-01-05 12:30:00", text), how)

    if good:
        check_rows(frame, how)
    else:
        with pytest.raises(DataError, match=f"'t' must be a time.*{text}"):
            check_rows(frame, how)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "0.5,",
            "-1,",
            "column 'n' must be at least 0: 1 row break this, the first is row 3 with -1",
        ),
        (
            "0.5,",
            "inf,",
            "column 'n' must be a number: 1 row break this, the first is row 3 with inf",
        ),
        (
            "0.5,",
            "abc,",
            "column 'n' must be a number: 1 row break this, the first is row 3 with 'abc'",
        ),
        (",1,yes", ",1.5,yes", "column 'i' must be a whole number"),
        (",1,yes", ",,yes", "column 'i' may not be missing: 1 row break this, the first is row 3"),
        (",1,yes", ",101,yes", "column 'i' must be at most 100"),
        ("yes", "maybe", "column 'f' must be true or false"),
        (
            ",k,",
            ",z,",
            "column 'c' must be one of 1, k, true: 1 row break this, the first is row 3 with 'z'",
        ),
        ("2026-01-05 12:30:00", "soon", "column 't' must be a time"),
        (",a,", ",c,", "column 'y' must be one of a, b"),
        (",w1,", ",,", "column 'who' may not be missing"),
        (",0,a", ",7,a", "a value not shown, because the column is personal"),
    ],
)
def test_a_broken_rule_is_named_with_count_row_and_value(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    frame = read(tmp_path, GOOD + GOOD.replace(old, new, 1) + GOOD)

    with pytest.raises(DataError) as caught:
        check_rows(frame, parsed())

    assert fault in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_all_broken_rules_are_listed_at_once(tmp_path: Path) -> None:
    frame = read(tmp_path, GOOD.replace("0.5,1,", "-1,1.5,") * 3)

    with pytest.raises(DataError) as caught:
        check_rows(frame, parsed())

    assert [line.split(":")[1].split(",")[0] for line in str(caught.value).splitlines()] == [
        " 3 rows break this",
        " 3 rows break this",
    ]


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = _csv(tmp_path, "n,i\n1,2\n")

    with pytest.raises(DataError, match=r"no column 'f', 'c', 't', 'secret'.* has 'n', 'i'"):
        read_rows(str(path), parsed(), with_target=False)


def test_a_batch_needs_no_target(tmp_path: Path) -> None:
    names = HEADER.strip().split(",")
    table = read_file(str(_csv(tmp_path, HEADER + GOOD))).select(names[:6])

    frame = typed_rows(table, parsed(), "batch", with_target=False)

    check_rows(frame, parsed(), with_target=False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        ("ä,b\n1,2\n".encode("latin-1"), "cannot be read as utf-8.*dataset.encoding"),
        (b"PK\x03\x04 and more", "an Excel workbook or another zip archive; save"),
        (b"\x1f\x8b and more", "compressed; save"),
        (b"a,b\n1,2\n1,2,3\n", "more or fewer values than the header"),
        (b"PAR1 and nothing else", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "rows"
    path.write_bytes(content)

    with pytest.raises(DataError, match=reason):
        read_rows(str(path), parsed())


@pytest.mark.parametrize("method", ["time", "group", "random"])
def test_a_split_is_complete_disjoint_and_repeatable(method: str) -> None:
    frame, how = many(), parsed(method=method)

    parts, again = split_rows(frame, how), split_rows(frame, how)

    rows = [index for part in parts for index in part.index]
    assert sorted(rows) == list(frame.index)
    assert all(one.equals(other) for one, other in zip(parts, again, strict=True))
    assert [len(part) for part in parts] == pytest.approx([60, 20, 20], abs=4)


def test_a_split_by_time_never_looks_ahead_and_keeps_a_moment_together() -> None:
    parts = split_rows(many().sample(frac=1, random_state=1), parsed(method="time"))

    assert parts.train["when"].max() < parts.validation["when"].min()
    assert parts.validation["when"].max() < parts.test["when"].min()


@pytest.mark.parametrize("months", [range(1, 13), [*map(str, range(1, 13))], MONTHS])
def test_rows_of_a_year_are_split_by_its_months_whatever_these_are_called(months: Any) -> None:
    frame, months = many(240), [*months]
    frame["when"] = [2024.0 + i // 12 % 2 for i in range(240)]
    frame["c"] = [months[i % 12] for i in range(240)]
    how = parsed(method="time", then_by=["c"])

    parts = split_rows(frame.sample(frac=1, random_state=1), how)

    seen = [
        {(year, months.index(month)) for year, month in zip(part["when"], part["c"], strict=True)}
        for part in parts
    ]
    assert max(seen[0]) < min(seen[1])
    assert max(seen[1]) < min(seen[2])
    assert [len(each) for each in seen] == [14, 5, 5]


def test_what_has_no_order_is_named_when_rows_are_split_by_it() -> None:
    with pytest.raises(DataError, match=r"split.then_by names 'c', which holds 'k'"):
        split_rows(many().assign(c="k"), parsed(method="time", then_by=["c"]))


def test_a_split_by_group_keeps_an_entity_in_one_part() -> None:
    names = [set(part["who"]) for part in split_rows(many(), parsed(method="group"))]

    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]


def test_a_random_split_keeps_the_classes_in_proportion_and_follows_the_seed() -> None:
    frame = many(1000)
    frame["y"] = np.where(np.arange(1000) % 50 == 0, "b", "a")

    parts = split_rows(frame, parsed())

    assert [int((part["y"] == "b").sum()) for part in parts] == [12, 4, 4]
    assert not split_rows(frame, parsed(seed=8)).test.equals(parts.test)


def test_rows_without_a_target_are_in_no_part() -> None:
    frame = many()
    frame.loc[:9, "y"] = None

    assert sum(len(part) for part in split_rows(frame, parsed())) == 90


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"when": pd.Timestamp("2026-01-01")}, "the time split leaves no rows for train"),
        ({"y": "a"}, "no training row has the class 'b'"),
    ],
)
def test_an_impossible_split_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split_rows(many().assign(**change), parsed(method="time"))


def test_clean_data_raise_no_suspicion() -> None:
    assert find_leaks(many(2000), parsed()) == []


def test_a_feature_that_gives_the_target_away_is_named() -> None:
    frame = many(2000)
    frame["n"] = (frame["y"] == "b") + np.random.default_rng(0).random(2000) * 1.04

    (found,) = find_leaks(frame, parsed())

    assert found.startswith("'n' alone tells the classes apart with ROC AUC")


def test_values_that_never_meet_the_other_class_are_named() -> None:
    frame, chance = many(4000), np.random.default_rng(0)
    frame["n"] = np.where((frame["y"] == "b") & (chance.random(4000) < 0.7), chance.random(4000), 0)

    (found,) = find_leaks(frame, parsed())

    assert "rows have the class 'b'" in found


def test_copies_are_counted_on_whole_rows_and_keys_are_not_compared() -> None:
    frame = pd.concat([many(500), many(500)], ignore_index=True)
    frame["unused"] = np.arange(1000.0)

    found = copies(split_rows(frame, parsed()), parsed())

    assert (found.test, found.apart) == (200, ("unused",))
    assert found.rows == pytest.approx(120, abs=20)  # the twin of a test row: training, by 60 %
    assert repeated(frame, parsed()) == 500
    assert f"{found.rows} of 200 test rows repeat a training row" in warnings(found)[0]


def test_rows_that_differ_in_what_no_model_sees_are_no_copies() -> None:
    frame = pd.concat([many(500), many(500)], ignore_index=True)
    frame["who"] = [f"w{i // 2}" for i in range(1000)]

    found = copies(split_rows(frame, parsed()), parsed())

    assert (found.rows, repeated(frame, parsed())) == (0, 0)
    assert said(found) == "no test row repeats a training row in every column"
    assert not warnings(found)


def test_arrow_reads_nothing_that_belongs_to_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its threads let go of it when they please, and abort a Python that is ending meanwhile."""
    given, content = list[Any](), b"".join([b"a,b\n", b"1,2\n"])
    for module, name in (
        (pyarrow.csv, "open_csv"),
        (pyarrow.csv, "read_csv"),
        (parquet, "read_table"),
    ):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda of, real=real, **k: given.append(of) or real(of, **k)
        )
    (tmp_path / "rows.csv").write_bytes(content)
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "rows.parquet")

    tables = [read_file(str(tmp_path / f"rows.{kind}")) for kind in ("csv", "parquet")]

    assert [table.num_rows for table in tables] == [1, 1]
    assert [type(each) for each in given] == [pa.BufferReader] * 3
    before, owned = sys.getrefcount(content), in_arrow(content)
    assert sys.getrefcount(content) == before
    assert owned.to_pybytes() == content


def test_a_few_copies_are_counted_and_no_warning() -> None:
    frame = many(1000)
    parts = split_rows(frame, parsed())
    twin = parts._replace(test=pd.concat([parts.test, parts.train.head(1)]))

    found = copies(twin, parsed())

    assert found.rows == 1
    assert not warnings(found)
    assert said(found).startswith("1 of 201 test rows repeat a training row")


SENSITIVE = TEXT.replace(
    "[columns.unused]",
    '[columns.sex]\ntype = "category"\nrole = "audit"'
    '\nvalues = ["f", "m"]\nsensitive = true\n[columns.unused]',
)


def test_a_feature_that_stands_for_a_withheld_sensitive_column_is_named() -> None:
    frame, how = many(1000), parse_contract(SENSITIVE)
    frame["sex"] = np.where(np.arange(1000) % 3 == 0, "f", "m")
    frame["c"] = np.where(frame["sex"] == "f", "1", "k")
    frame.loc[:19, "c"] = "1"

    (found,) = proxies(frame, how)

    assert found.startswith("'c' stands for 'sex'")
    assert "balanced accuracy of 0.99 (guessing reaches 0.50)" in found
    assert "653 of 653 rows with 'k' have 'sex' 'm'" in found


@pytest.mark.parametrize("period", [2, 3, 6, 30])
def test_what_comes_in_a_period_is_told_like_anything_else(period: int) -> None:
    frame = many(1200)
    frame["y"] = np.where(np.arange(1200) % period == 0, "b", "a")
    frame["c"] = np.where(frame["y"] == "b", "1", "k")

    (found,) = find_leaks(frame, parsed())

    assert found.startswith("'c' alone tells the classes apart with ROC AUC 1.000")


def test_no_feature_is_called_a_proxy_without_evidence() -> None:
    frame, how = many(1000), parse_contract(SENSITIVE)
    frame["sex"] = np.random.default_rng(1).choice(["f", "m"], 1000)

    assert proxies(frame, how) == []


@pytest.mark.parametrize(
    ("how", "text", "number"),
    [
        ({"thousands": ","}, "1,234.50", 1234.5),
        ({"thousands": ","}, "-1,234,567", -1234567),
        ({"thousands": ","}, "12.5", 12.5),
        ({"thousands": ","}, "12,34", None),
        ({"thousands": ".", "decimal": ","}, "1.234,50", 1234.5),
        ({"thousands": " ", "decimal": ","}, "1\u202f234,5", 1234.5),
        ({"thousands": "'"}, "1'234.5", 1234.5),
        ({}, "1,234", None),
        ({"unit": "$"}, "$1234.5", 1234.5),
        ({"unit": "$", "thousands": ","}, "-$1,234.50", -1234.5),
        ({"unit": "EUR"}, "12 EUR", 12),
        ({"unit": "%"}, "12.3%", 12.3),
        ({"unit": "%"}, "12.3", 12.3),
        ({"unit": "%"}, "$12", None),
        ({"unit": "%"}, "%", None),
        ({"unit": "%"}, "1_0%", None),
    ],
)
def test_numbers_are_read_as_the_contract_says_they_are_written(
    how: dict[str, Any], text: str, number: float | None
) -> None:
    unit = how.get("unit", "")
    marks = {name: mark for name, mark in how.items() if name != "unit"}
    data = Dataset(source="s", target="t", task="regression", **marks)

    found = typed(pa.chunked_array([[text]]), Column(type="number", unit=unit), data)

    assert found.tolist() == [text if number is None else number]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "latin-1"])
def test_another_encoding_is_read_when_the_contract_names_it(tmp_path: Path, encoding: str) -> None:
    how = parse_contract(TEXT.replace("[split]", f'encoding = "{encoding}"\n[split]'))

    frame = read(tmp_path, GOOD.replace("w1", "Käthe"), how, encoding=encoding)

    assert frame["who"].tolist() == ["Käthe"]


def test_a_file_in_another_encoding_than_the_contract_names_is_refused(tmp_path: Path) -> None:
    how = parse_contract(TEXT.replace("[split]", 'encoding = "utf-16"\n[split]'))

    with pytest.raises(DataError, match=r"cannot be read as utf-16.*dataset\.encoding"):
        read(tmp_path, GOOD, how, encoding="utf-8")


@pytest.mark.parametrize("kind", ["float64", "datetime64[us]"])
def test_the_bars_of_the_report_hold_what_their_labels_say(kind: str) -> None:
    """Also at both ends, which take in whatever lies far out."""
    numbers = np.r_[-9000, np.arange(1000), 10_000_000] * (1 if kind == "float64" else 86_400)
    values = pd.Series(numbers.astype("int64").astype(kind))

    bars, facts = describe._scale(values, pd.Series(1.0, index=values.index))

    ends = [bar.label.split(" to ") for bar in bars]
    assert (ends[0][0], ends[-1][1]) == (facts["lowest"], facts["highest"])
    assert [low for low, _ in ends[1:]] == [high for _, high in ends[:-1]]
    assert sum(bar.rows for bar in bars) == len(values)
