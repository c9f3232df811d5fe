"""PostgreSQL with pgvector, by psycopg: a table and an HNSW index for each collection.

A table is made, filled and indexed in one transaction, so one that is there is whole.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from engine.retrieval.dense import Vectors
from engine.retrieval.nearest import Near, NearestError

FORM = "postgresql://USER@HOST:5432/DATABASE, and the password in APP_VECTOR_KEY"
CONNECT_SECONDS = 5
MOST_INDEXED = 2000  # dimensions that an HNSW index takes; beyond them every row is looked at
MOST_EFFORT = 1000  # that pgvector allows
WORK = "set local statement_timeout = 0; set local maintenance_work_mem = '256MB'"
Given = TypeVar("Given")


def connect(url: str, key: str, seconds: float, effort: int) -> "Tables":
    """The tables of the database at `url`; `key` is its password, if the URL holds none."""
    try:
        parts = {name: str(value or "") for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        parts = {}
    # A password with an @ or a / that was not escaped has ended up in the other parts.
    if not parts or any("@" in parts.get(name, "") for name in ("host", "port", "dbname")):
        raise NearestError("the vector store has no address in vector_url: " + FORM)
    return Tables(url, key, seconds, effort)


class Tables:
    """Collections as tables; a connection for each thread."""

    def __init__(self, url: str, key: str, seconds: float, effort: int) -> None:
        self._url, self._more = url, {"password": key} if key else {}
        self._milliseconds, self._effort = max(1, int(seconds * 1000)), min(effort, MOST_EFFORT)
        self._own = threading.local()

    def fill(self, name: str, numbers: NDArray[np.int64], vectors: Vectors) -> None:
        """Make a table of vectors and an index over it, if it is not there."""

        def step(base: "psycopg.Connection[Any]") -> None:
            _require_extension(base)
            with base.transaction():
                base.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
                if _is_there(base, name):
                    return
                base.execute(WORK)
                table, size = sql.Identifier(name), sql.Literal(vectors.shape[1])
                statement = sql.SQL("create table {} (id integer primary key, vector vector({}))")
                base.execute(statement.format(table, size))
                statement = sql.SQL("copy {} (id, vector) from stdin (format binary)")
                with base.cursor().copy(statement.format(table)) as copy:
                    copy.write(_binary(numbers, vectors))
                if vectors.shape[1] <= MOST_INDEXED:
                    statement = sql.SQL("create index on {} using hnsw (vector vector_cosine_ops)")
                    base.execute(statement.format(table))
            base.execute(sql.SQL("analyze {}").format(table))

        self._ask(step)

    def search(self, name: str, vector: Vectors, limit: int) -> Near:
        """The nearest rows of a table, by cosine."""
        statement = sql.SQL(
            "select id, 1 - (vector <=> %(v)s::vector) from {} order by vector <=> %(v)s::vector "
            "limit %(limit)s"
        ).format(sql.Identifier(name))
        values = {"v": _text(vector), "limit": limit}
        rows = self._ask(lambda base: base.execute(statement, values).fetchall())
        return [(int(number), float(cosine)) for number, cosine in rows]

    def names(self) -> list[str]:
        """The tables of the schema that new ones are made in."""
        query = "select tablename from pg_tables where schemaname = current_schema() order by 1"
        return [str(row[0]) for row in self._ask(lambda base: base.execute(query).fetchall())]

    def drop(self, name: str) -> None:
        """Delete a table."""
        statement = sql.SQL("drop table if exists {}").format(sql.Identifier(name))
        self._ask(lambda base: base.execute(statement))

    def _ask(self, step: Callable[["psycopg.Connection[Any]"], Given]) -> Given:
        """What a step gives; a connection that broke while it was idle is made anew, once."""
        is_old = getattr(self._own, "base", None) is not None
        try:
            try:
                return step(self._connection())
            except psycopg.OperationalError:
                if not is_old or not self._own.base.broken:
                    raise
                self._own.base = None
                return step(self._connection())
        except errors.QueryCanceled:
            raise NearestError("the vector store did not answer within vector_ms") from None
        except errors.UndefinedTable:
            raise NearestError("the vector store has lost a collection") from None
        except psycopg.Error as error:
            raise NearestError(f"the vector store cannot be asked: {self._said(error)}") from None

    def _connection(self) -> "psycopg.Connection[Any]":
        base: psycopg.Connection[Any] | None = getattr(self._own, "base", None)
        if base is None or base.closed:
            options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **self._more}
            base = psycopg.connect(self._url, autocommit=True, **options)
            for name, value in (
                ("statement_timeout", self._milliseconds),
                ("hnsw.ef_search", self._effort),
            ):
                base.execute("select set_config(%s, %s, false)", [name, str(value)])
            self._own.base = base
        return base

    def _said(self, error: psycopg.Error) -> str:
        """What went wrong, without addresses and passwords: callers may read it."""
        if error.diag.message_primary:
            return error.diag.message_primary
        text = str(error).lower()
        known = {
            "password authentication failed": "the password is wrong or missing (APP_VECTOR_KEY)",
            "no password supplied": "the password is wrong or missing (APP_VECTOR_KEY)",
            "refused": "nothing listens at vector_url",
            "no such file": "nothing listens at vector_url",
            "failed to resolve host": "the host of vector_url is not known",
            "timeout": "no connection in time",
        }
        return next((said for mark, said in known.items() if mark in text), type(error).__name__)


def _require_extension(base: "psycopg.Connection[Any]") -> None:
    """Make sure that the database knows vectors."""
    found = base.execute("select to_regtype('vector')").fetchone()
    if found and found[0]:
        return
    try:
        base.execute("create extension if not exists vector")
    except (
        errors.UndefinedFile,
        errors.FeatureNotSupported,
        errors.InsufficientPrivilege,
    ) as error:
        raise NearestError(
            f"the vector store has no pgvector ({error.diag.message_primary}); its administrator "
            "installs it and runs: create extension vector"
        ) from None


def _is_there(base: "psycopg.Connection[Any]", name: str) -> bool:
    query = "select 1 from pg_tables where schemaname = current_schema() and tablename = %s"
    return base.execute(query, [name]).fetchone() is not None


def _text(vector: Vectors) -> str:
    return f"[{','.join(map(str, vector.tolist()))}]"


def _binary(numbers: NDArray[np.int64], vectors: Vectors) -> bytes:
    """Rows in the binary form of COPY, all at once: id, and vector as pgvector writes it."""
    size = vectors.shape[1]
    names = ["fields", "id_length", "id", "length", "dimensions", "unused", "vector"]
    forms = [">i2", ">i4", ">i4", ">i4", ">i2", ">i2", f"({size},)>f4"]
    rows = np.zeros(len(vectors), np.dtype({"names": names, "formats": forms}))
    rows["fields"], rows["id_length"], rows["id"] = 2, 4, numbers
    rows["length"], rows["dimensions"], rows["vector"] = 4 + 4 * size, size, vectors
    head = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    return head + rows.tobytes() + b"\xff\xff"
