"""The rows of several files are read as one table; what does not fit together is named."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from engine.contract import read as contract_read
from engine.contract.schema import Dataset
from engine.core.errors import DataError
from engine.data import source
from engine.data.read import read_file, table_hash
from engine.data.source import called, in_order, matching, read_source

ADDRESS = "postgresql://me:secret@db/rows"  # not a secret


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two parts and what else lies about in a folder, as the working folder."""
    monkeypatch.chdir(tmp_path)
    parts = tmp_path / "parts"
    (parts / "more").mkdir(parents=True)
    (parts / "b.csv").write_text("size,kind\n3,c\n", encoding="utf-8")
    (parts / "a.csv").write_text("kind,size\na,1\nb,2\n", encoding="utf-8")
    (parts / "_SUCCESS").touch()
    (parts / ".hidden.csv").write_text("x\n1\n", encoding="utf-8")
    (parts / "read.me").write_text("about", encoding="utf-8")
    return tmp_path


def rows(source: str | tuple[str, ...]) -> list[tuple[Any, ...]]:
    """What a dataset of this source holds, as (size, kind)."""
    table = read_source(Dataset(source=source, target="kind", task="classification"))
    return [(row["size"], row["kind"]) for row in table.to_pylist()]


@pytest.mark.parametrize(
    "named",
    ["parts", "parts/", "parts/*.csv", "parts/[ab].csv", ("parts/a.csv", "parts/b.csv")],
)
def test_several_files_are_one_table_in_the_order_of_their_names(named: Any) -> None:
    assert rows(named) == [("1", "a"), ("2", "b"), ("3", "c")]


def test_files_are_read_in_the_order_in_which_they_are_listed() -> None:
    assert rows(("parts/b.csv", "parts/a.csv")) == [("3", "c"), ("1", "a"), ("2", "b")]


def test_csv_and_parquet_go_together_as_a_csv_would_hold_both(folder: Path) -> None:
    table = pa.table({"size": [4, None], "kind": pa.array(["d", "e"]).dictionary_encode()})
    pa.parquet.write_table(table, folder / "c.parquet")

    assert rows(("parts/a.csv", "c.parquet")) == [("1", "a"), ("2", "b"), ("4", "d"), (None, "e")]


def test_numbers_of_several_kinds_become_the_widest(folder: Path) -> None:
    pa.parquet.write_table(pa.table({"size": [1, 2], "kind": ["a", "b"]}), folder / "a.parquet")
    pa.parquet.write_table(pa.table({"size": [0.5], "kind": ["c"]}), folder / "b.parquet")

    assert rows("*.parquet") == [(1.0, "a"), (2.0, "b"), (0.5, "c")]


def test_kinds_that_no_text_holds_are_named(folder: Path) -> None:
    pa.parquet.write_table(pa.table({"size": [[1]], "kind": ["a"]}), folder / "a.parquet")
    pa.parquet.write_table(pa.table({"size": [1], "kind": ["b"]}), folder / "b.parquet")

    with pytest.raises(DataError, match=r"'size' has kinds that do not fit together \(int64, list"):
        rows("*.parquet")


def test_another_column_is_named_with_both_files(folder: Path) -> None:
    (folder / "parts/b.csv").write_text("size,kin\n3,c\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"b.csv has a column 'kin', and parts/a.csv has none"):
        rows("parts")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("parts/more", "the folder parts/more holds no CSV or Parquet file"),
        ("parts/*.parquet", r"parts/\*.parquet matches no file"),
        ("parts/c.csv", "parts/c.csv does not exist"),
    ],
)
def test_what_is_not_there_is_named(named: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(named)


def test_a_name_with_brackets_that_is_there_is_no_pattern(folder: Path) -> None:
    (folder / "a[1].csv").write_text("size,kind\n9,z\n", encoding="utf-8")

    assert rows("a[1].csv") == [("9", "z")]
    assert matching("http://example.org/rows?a=*") == ["http://example.org/rows?a=*"]


def test_the_hash_is_that_of_the_rows_not_of_the_files(folder: Path) -> None:
    whole = Dataset(source="parts", target="kind", task="classification")
    before = table_hash(read_source(whole))
    (folder / "parts/a.csv").rename(folder / "parts/aa.csv")
    assert table_hash(read_source(whole)) == before

    (folder / "parts/aa.csv").write_text("kind,size\nb,2\na,1\n", encoding="utf-8")
    assert table_hash(read_source(whole)) != before


def test_the_hash_does_not_see_what_a_writer_says_of_itself() -> None:
    table = pa.table({"size": [1]})

    assert table_hash(table.replace_schema_metadata({"written by": "x"})) == table_hash(table)


def test_rows_of_a_query_have_one_order() -> None:
    """In whatever order a database gives them, columns that cannot be compared included."""
    columns: dict[str, Any] = {
        "kind": pa.array(["b", "a", None, "a"]).dictionary_encode(),
        "size": [1.5, 2.0, 0.0, None],
        "on": [date(2026, 1, 1), None, date(2025, 1, 1), date(2026, 1, 1)],
        "yes": [True, False, None, True],
        "list": [[1], [2], [3], [4]],
    }
    table = pa.table(columns)

    one, other = (in_order(rows, "x") for rows in (table, table.take([3, 1, 0, 2])))

    assert one.to_pylist() == other.to_pylist()
    assert one.column("kind").to_pylist() == ["a", "a", "b", None]
    assert table_hash(one) == table_hash(other)


@pytest.mark.parametrize(
    ("named", "number", "name"),
    [
        ("parts/a.csv", 1, "row 3"),
        ("parts", 1, "row 3 of parts/a.csv"),
        ("parts", 2, "row 2 of parts/b.csv"),
        (("no.csv", "none.csv"), 7, "row 8"),  # src/app/data.py brings others
        ("parts", 7, "row 8"),
    ],
)
def test_a_row_is_called_as_whoever_looks_for_it_finds_it(
    named: Any, number: int, name: str
) -> None:
    assert called(Dataset(source=named, target="kind", task="classification"), number) == name


def test_a_row_of_a_query_is_called_by_its_place_among_the_sorted_ones() -> None:
    assert called(asked("rows.db"), 4) == "row 5 of the query, sorted by its columns,"


@pytest.mark.parametrize(
    ("head", "kind"), [(b"SQLite format 3\0", "sqlite"), (b"12345678DUCK", "duckdb")]
)
def test_a_database_without_a_query_asks_for_one(folder: Path, head: bytes, kind: str) -> None:
    (folder / "rows.db").write_bytes(head + b"\0" * 100)

    with pytest.raises(DataError, match=rf"rows.db is a database \({kind}\); say which rows"):
        read_file("rows.db")


def asked(where: str) -> Dataset:
    return Dataset(source=where, query="select 1", target="a", task="regression")


def test_a_query_without_code_for_it_names_the_answer_that_brings_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_database", lambda: None)
    (folder / "rows.db").write_bytes(b"SQLite format 3\0" + b"\0" * 100)

    with pytest.raises(DataError, match=r"no code for databases; .*-d data_source=sqlite"):
        read_source(asked("rows.db"))


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROWS_URL", raising=False)

    with pytest.raises(DataError, match="the environment has no ROWS_URL"):
        read_source(asked("env:ROWS_URL"))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (f'source = "{ADDRESS}"', 'write source = "env:NAME"'),
        ('source = "env:ROWS_URL"', "say which of its rows with query ="),
        ('source = ["a.db", "b.db"]\nquery = "select 1"', "asks one database"),
        ("source = []", "names nothing"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(about: str, message: str) -> None:
    text = (
        f'[dataset]\n{about}\ntarget = "y"\ntask = "regression"\n'
        '[gates]\nmetric = "r2"\nfloor = 0\n[columns.x]\ntype = "number"\n'
    )

    with pytest.raises(contract_read.ContractError, match=message) as said:
        contract_read.parse_contract(text)

    assert "secret" not in str(said.value)
