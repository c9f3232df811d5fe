"""An SQLite file as the source of rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.errors import DataError
from engine.data import database
from engine.data.source import read_source
from tools import contract as contract_command

from .database_checks import CREATE, INSERT, DatabaseChecks

MANY = (
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60) "
    "select i as size, case when i > 30 then 'a' else 'b' end as kind from n"
)


class TestSqlite(DatabaseChecks):
    """The checks of every database, and what only SQLite does."""

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        """The file of a database."""
        monkeypatch.chdir(tmp_path)
        self.run(CREATE)
        self.run(INSERT)
        return "rows of mine.sqlite"

    def run(self, statement: str) -> None:
        with closing(sqlite3.connect("rows of mine.sqlite")) as db, db:
            db.execute(statement)

    def test_a_column_of_numbers_and_texts_is_text(self, place: str) -> None:
        self.run("update customers set worth = 'much' where size = 3")

        found = read_source(self.dataset(place, "select worth from customers where size > 0"))

        assert sorted(found.column("worth").to_pylist(), key=str) == ["0.1", None, "much"]

    def test_rows_beyond_the_first_thousands_are_as_the_others(
        self, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Read two at a time: one part of the column has whole numbers, the other has not."""
        monkeypatch.setattr(database, "ROWS", 2)
        query = "select 1 as n union all select 2 union all select 2.5 union all select null"

        assert read_source(self.dataset(place, query)).column("n").to_pylist() == [1, 2, 2.5, None]

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="does not exist"):
            read_source(self.dataset(str(tmp_path / "no.sqlite")))

        assert not (tmp_path / "no.sqlite").exists()

    def test_the_path_may_come_from_the_environment(
        self, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ROWS_FILE", place)

        assert len(read_source(self.dataset("env:ROWS_FILE"))) == 3

    def test_a_file_of_another_database_names_the_answer_that_reads_it(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "rows.db").write_bytes(b"12345678DUCK" + b"\0" * 100)

        with pytest.raises(DataError, match=r"code for sqlite only; .*data_source=duckdb"):
            read_source(self.dataset(str(tmp_path / "rows.db")))

    def test_a_file_outside_the_project_is_neither_copied_nor_named_by_its_path(
        self, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "project").mkdir()
        monkeypatch.chdir(tmp_path / "project")
        words = ["contract", "draft", f"../{place}", "--query", MANY, "--target", "kind"]

        with pytest.raises(DataError, match="set an environment variable to its path and name env"):
            contract_command.main(words)

        assert not [*(tmp_path / "project").iterdir()]
