"""The rows of an SQLite database, by Python's standard library. Every database offers KIND, `read`.

SQLite has kinds of values rather than of columns: a column that holds numbers and texts is text.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.contract.schema import to_text
from engine.core.errors import DataError
from engine.data.source import joined

KIND = "sqlite"
ROWS = 100_000  # at a time: as Python's objects they take many times the memory


def read(place: str, query: str) -> pa.Table:
    """The rows of a query on the file `place`, which is opened for reading only."""
    path = Path(place)
    if not path.is_file():
        raise DataError(f"{place} does not exist; dataset.source names the file of the database")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            cursor = database.execute(query)
            if cursor.description is None:
                raise DataError(f"{place}: dataset.query gives no rows; it must be a select")
            names = [column[0] for column in cursor.description]
            tables = [_table(names, cursor.fetchmany(ROWS))]
            while rows := cursor.fetchmany(ROWS):
                tables.append(_table(names, rows))
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise DataError(f"{place}: dataset.query cannot be run: {error}") from None
    return joined(tables, [place] * len(tables))


def _table(names: list[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else iter([()] * len(names))
    return pa.Table.from_arrays([_column(values) for values in columns], names=names)


def _column(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except pa.ArrowException:
        return pa.array([None if value is None else to_text(value) for value in values])
