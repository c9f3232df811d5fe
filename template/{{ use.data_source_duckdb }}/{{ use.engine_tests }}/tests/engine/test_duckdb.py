"""A DuckDB file as the source of rows."""

from pathlib import Path

import duckdb
import pytest

from engine.core.errors import DataError
from engine.data.read import table_hash
from engine.data.source import read_source

from .database_checks import CREATE, INSERT, DatabaseChecks


class TestDuckdb(DatabaseChecks):
    """The checks of every database, and what only DuckDB does."""

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        """The file of a database."""
        monkeypatch.chdir(tmp_path)
        self.run(CREATE)
        self.run(INSERT)
        return "rows.duckdb"

    def run(self, statement: str) -> None:
        with duckdb.connect("rows.duckdb") as db:
            db.execute(statement)

    def test_kinds_that_others_do_not_have_can_be_read(self, place: str) -> None:
        query = (
            "select 1.50::decimal(9, 2) as price, 'a'::enum('a', 'b') as kind, "
            "170141183460469231731687303715884105727::hugeint as many, uuid() as id"
        )

        [row] = read_source(self.dataset(place, query)).to_pylist()

        assert (float(row["price"]), row["kind"]) == (1.5, "a")

    def test_sums_of_floats_are_the_same_each_time(self, place: str) -> None:
        self.run("create table many as select i % 7 as g, sin(i) as x from range(500000) t(i)")
        query = "select g, sum(x) as total, avg(x) as mean from many group by g"

        first, *others = (table_hash(read_source(self.dataset(place, query))) for _ in range(4))

        assert set(others) == {first}

    def test_the_network_is_not_asked_for_an_extension(self, place: str) -> None:
        with pytest.raises(DataError, match="cannot be run"):
            read_source(self.dataset(place, "select * from sqlite_scan('a.db', 'b')"))

    def test_a_file_of_another_database_names_the_answer_that_reads_it(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "rows.db").write_bytes(b"SQLite format 3\0" + b"\0" * 100)

        with pytest.raises(DataError, match=r"code for duckdb only; .*data_source=sqlite"):
            read_source(self.dataset(str(tmp_path / "rows.db")))
