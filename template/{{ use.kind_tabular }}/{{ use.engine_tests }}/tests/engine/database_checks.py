"""What every database must do; each option runs this against a real one of its kind."""

from pathlib import Path

import pandas as pd
import pytest

from engine.contract.read import load_contract, parse_contract
from engine.contract.schema import Dataset
from engine.core.errors import DataError
from engine.data.read import table_hash, typed_rows
from engine.data.source import read_source
from tools import contract as contract_command

QUERY = "select size, kind, seen, worth from customers where size > 0"
CREATE = """create table customers
(size integer, kind varchar(9), seen timestamp, worth double precision)"""
INSERT = """insert into customers values
(3, 'b', '2026-01-31 12:00:00', 2.5), (1, 'a', null, 0.1), (0, 'z', null, 0),
(2, null, '2026-02-01 00:00:00', null)"""
MORE = """insert into customers
select size + 10, case when size > 1 then 'b' else 'a' end, seen, worth from customers"""
CONTRACT = """
[dataset]
source = "{place}"
query = "{query}"
target = "kind"
task = "classification"
classes = ["a", "b"]
positive = "b"
[gates]
metric = "roc_auc"
floor = 0
[columns.size]
type = "integer"
[columns.seen]
type = "datetime"
nullable = true
[columns.worth]
type = "number"
nullable = true
"""


class DatabaseChecks:
    """A subclass in a test file needs a fixture `place` and a method `run`.

    `place` is the dataset.source of a database with CREATE and INSERT; `run` changes that database.
    """

    def run(self, statement: str) -> None:
        """Run a statement on the database of this test."""
        raise NotImplementedError

    def dataset(self, place: str, query: str = QUERY) -> Dataset:
        """The dataset of a query."""
        return Dataset(source=place, query=query, target="kind", task="classification")

    def test_rows_come_out_typed_as_the_contract_says(self, place: str) -> None:
        contract = parse_contract(CONTRACT.format(place=place, query=QUERY))

        found = typed_rows(read_source(contract.dataset), contract, "rows").sort_values("size")

        assert found["size"].tolist() == [1.0, 2.0, 3.0]
        assert found["kind"].where(found["kind"].notna(), None).tolist() == ["a", None, "b"]
        assert found["worth"].fillna(-1).tolist() == [0.1, -1, 2.5]
        first, second = pd.Timestamp("2026-02-01"), pd.Timestamp("2026-01-31 12:00")
        assert found["seen"].dropna().tolist() == [first, second]

    def test_the_hash_is_that_of_the_rows_in_whatever_order(self, place: str) -> None:
        up, down = (
            read_source(self.dataset(place, f"{QUERY} order by size {way}"))
            for way in ("asc", "desc")
        )
        assert table_hash(up) == table_hash(down)

        self.run("update customers set worth = 3 where size = 3")
        assert table_hash(read_source(self.dataset(place))) != table_hash(up)

    def test_a_query_may_end_in_a_semicolon_or_a_comment(self, place: str) -> None:
        assert len(read_source(self.dataset(place, f"{QUERY};\n"))) == 3
        assert len(read_source(self.dataset(place, f"{QUERY} -- those that count"))) == 3

    def test_a_query_that_finds_nothing_has_columns_and_no_rows(self, place: str) -> None:
        found = read_source(self.dataset(place, f"{QUERY} and size > 99"))

        assert (found.column_names, len(found)) == (["size", "kind", "seen", "worth"], 0)

    @pytest.mark.parametrize(
        "query", ["select sizes from customers", "selects", "select * from nothing"]
    )
    def test_a_wrong_query_is_one_line(self, place: str, query: str) -> None:
        with pytest.raises(DataError, match=r"cannot be (run|asked)") as said:
            read_source(self.dataset(place, query))

        assert "\n" not in str(said.value)

    @pytest.mark.parametrize("query", ["delete from customers", "drop table customers"])
    def test_nothing_is_ever_written(self, place: str, query: str) -> None:
        with pytest.raises(DataError):
            read_source(self.dataset(place, query))

        assert len(read_source(self.dataset(place))) == 3

    def test_two_columns_of_one_name_are_refused(self, place: str) -> None:
        with pytest.raises(DataError, match="more than one column named 'size'"):
            read_source(self.dataset(place, "select size, kind, size from customers"))

    def test_a_contract_is_drafted_from_a_query(self, place: str, tmp_path: Path) -> None:
        for _ in range(5):
            self.run(MORE)
        query = "select size, kind, worth\nfrom customers where kind in ('a', 'b')"
        words = ["contract", "draft", place, "--query", query, "--target", "kind"]

        assert contract_command.main([*words, "--out", str(tmp_path / "drafted.toml")]) == 0

        found = load_contract(tmp_path / "drafted.toml")
        assert (found.dataset.query, found.dataset.source) == (query, place)
        assert {*found.columns} >= {"size", "worth"}
        assert f'source = "{place}"' in (tmp_path / "drafted.toml").read_text("utf-8")
