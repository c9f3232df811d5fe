"""The rows that `dataset.source` names: of a file, of several, of a folder, or of a query.

What a database needs comes with the answer data_source; a repository without it reads files.
"""

import importlib
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path
from typing import Protocol, cast

import pyarrow as pa

from engine.contract.schema import Dataset
from engine.core.errors import DataError
from engine.core.storage import Storage
from engine.data.checks import row_of_file
from engine.data.read import database_kind, read_file, require_unique

FILES = (".csv", ".tsv", ".txt", ".parquet", ".pq")  # what counts in a folder
VARIABLE = "env:"
HEAD = 16  # bytes that tell which database a file is


class Database(Protocol):
    """The module `engine.data.database`."""

    KIND: str
    """The answer that brings it."""

    def read(self, place: str, query: str) -> pa.Table:
        """The rows of a query, raw; nothing is written to the database.

        `place` is what `dataset.source` says, or its environment variable. Raises DataError without
        quoting a password.
        """


def read_source(dataset: Dataset) -> pa.Table:
    """The raw rows: of every file in the order of their names, or of the query.

    Raises DataError naming what is missing, what does not fit together, and the way out.
    """
    if dataset.query:
        return in_order(_query(dataset), dataset.origin)
    files = [file for named in dataset.sources for file in matching(named)]
    return joined([read_file(file, dataset.separator, dataset.encoding) for file in files], files)


def called(dataset: Dataset, number: int) -> str:
    """What the row of this number, counted from 0 over all of them, is called in a message."""
    if dataset.query:
        return f"row {number + 1} of the query, sorted by its columns,"
    try:
        files = [file for named in dataset.sources for file in matching(named)]
        if len(files) == 1:
            return row_of_file(number)
        left = number
        for file in files:
            rows = read_file(file, dataset.separator, dataset.encoding).num_rows
            if left < rows:
                return f"{row_of_file(left)} of {file}"
            left -= rows
    except DataError:  # src/app/data.py may bring rows from elsewhere
        pass
    return f"row {number + 1}"


def matching(named: str) -> list[str]:
    """The files that a path, a URL, a folder or a pattern means, sorted by name.

    Raises DataError when it is a folder without data files, or a pattern that nothing matches.
    """
    if named.startswith(("http://", "https://")):
        return [named]
    path = named.replace("\\", "/")
    folder, slash, name = path.rstrip("/").rpartition("/")
    around = Storage(folder or ("/" if slash else "."))
    if around.is_folder(name):
        inside = [n for n in around.list(name) if n.lower().endswith(FILES) and n[0] not in "._"]
        found = [f"{path.rstrip('/')}/{n}" for n in inside if not around.is_folder(f"{name}/{n}")]
        if not found:
            raise DataError(f"the folder {named} holds no CSV or Parquet file ({' '.join(FILES)})")
        return found
    if not has_magic(name) or around.exists(name):
        return [named]
    names = [n for n in around.list() if n[0] != "." or name[0] == "."]  # as shells have it
    found = [f"{folder}{slash}{n}" for n in names if fnmatchcase(n, name)]
    if not found:
        raise DataError(f"{named} matches no file")
    return found


def joined(tables: Sequence[pa.Table], names: Sequence[str]) -> pa.Table:
    """Tables of the same columns below each other; `names` says whose they are.

    Numbers of several kinds become the widest; where kinds have nothing in common, as a number and
    a text, their values are written as text, as a CSV holds them. Raises DataError naming the two
    whose columns differ.
    """
    first, *others = tables
    for table, name in zip(others, names[1:], strict=True):
        if odd := set(first.column_names) ^ set(table.column_names):
            column = min(odd)
            has, lacks = (names[0], name) if column in first.column_names else (name, names[0])
            raise DataError(
                f"{has} has a column {column!r}, and {lacks} has none; "
                "the files of one source hold the same columns"
            )
    if not others:
        return first
    whole = {}
    for column in first.column_names:
        parts = [_plain(table.column(column)) for table in tables]
        kind = _common([part.type for part in parts])
        try:
            chunks = [chunk for part in parts for chunk in part.cast(kind).chunks]
        except pa.ArrowException:
            kinds = ", ".join(sorted({str(part.type) for part in parts}))
            raise DataError(
                f"column {column!r} has kinds that do not fit together ({kinds}) in {names[0]} and "
                "the others; give it one kind"
            ) from None
        whole[column] = pa.chunked_array(chunks, kind)
    return pa.table(whole)


def in_order(table: pa.Table, name: str) -> pa.Table:
    """The rows sorted by all of their columns.

    A database gives the rows of a query in any order, and the split, the hash of the data and so
    the model depend on it: the same rows have to make the same model.
    """
    require_unique(table.column_names, name)
    plain = pa.table({name: _plain(table.column(name)) for name in table.column_names})
    keys = [field.name for field in plain.schema if _sorts(field.type)]
    return plain.sort_by([(key, "ascending") for key in keys]) if keys else plain


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _common(kinds: list[pa.DataType]) -> pa.DataType:
    """The kind that holds the values of all; text where there is no other."""
    schemas = [pa.schema([("values", kind)]) for kind in kinds]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return pa.string()


def _sorts(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_null(kind))


def _query(dataset: Dataset) -> pa.Table:
    [source] = dataset.sources
    place = source
    if source.startswith(VARIABLE):
        name = source.removeprefix(VARIABLE)
        place = os.environ.get(name, "")
        if not place:
            raise DataError(
                f'dataset.source is "{source}", and the environment has no {name}; set it to the '
                "address of the database"
            )
    found = _database()
    kind = _kind(place)
    if found is None or (kind and kind != found.KIND):
        answer = kind or "sqlite, duckdb or postgres"
        code = f"code for {found.KIND} only" if found else "no code for databases"
        raise DataError(
            f"{source} is asked by a query, and this repository has {code}; "
            f"bring it in with: python3 run.py template update -d data_source={answer}"
        )
    return found.read(place, dataset.query)


def _database() -> Database | None:
    """What this repository has to ask a database with."""
    name = "engine.data.database"
    try:
        return cast(Database, importlib.import_module(name))
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _kind(place: str) -> str:
    """The kind of database, as far as the address or the file tells."""
    if place.startswith(("postgresql://", "postgres://")):
        return "postgres"
    if not Path(place).is_file():
        return ""
    with Path(place).open("rb") as stream:
        return database_kind(stream.read(HEAD))
