"""A PostgreSQL server as the source of rows: a real one, started for these tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from engine.core.errors import DataError
from engine.data.source import read_source

from .database_checks import CREATE, INSERT, DatabaseChecks

USER, PASSWORD = "reader", "p@ss/word:%"
VARIABLE = "ROWS_URL"
NOBODY = 65534


def programs() -> Path:
    """Where PostgreSQL's programs are; without them a test is skipped on a desk, fails in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    here = shutil.which("initdb")
    if found or here:
        return Path(here or found[-1]).parent
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail("PostgreSQL is not installed; in CI it must be tested (Debian: postgresql)")
    pytest.skip("PostgreSQL is not installed (Debian package: postgresql); it is not tested")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that asks for a password."""
    where = programs()
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        folder, secret = Path(name), Path(name) / "secret"
        secret.write_text(PASSWORD, encoding="utf-8")
        user = []
        if os.geteuid() == 0:  # the server refuses to run as root
            user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            for path in (folder, secret):
                os.chown(path, NOBODY, NOBODY)

        def call(program: str, *words: str) -> None:
            command = [*user, str(where / program), "-D", str(folder / "data"), *words]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        call("initdb", "-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        free.close()
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{USER}:p%40ss%2Fword%3A%25@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")


class TestPostgres(DatabaseChecks):
    """The checks of every database, and what only PostgreSQL does."""

    @pytest.fixture
    def place(self, server: str, monkeypatch: pytest.MonkeyPatch) -> str:
        """The environment variable with the address of the database."""
        monkeypatch.setenv(VARIABLE, server)
        self.run("drop table if exists customers")
        self.run(CREATE)
        self.run(INSERT)
        return f"env:{VARIABLE}"

    def run(self, statement: str) -> None:
        with psycopg.connect(os.environ[VARIABLE], autocommit=True) as database:
            database.execute(statement.encode())

    def test_every_type_has_a_text(self, place: str) -> None:
        query = (
            "select 12.50::numeric as price, true as yes, '{1,2}'::int[] as many, 'ä,\"x\"' as t, "
            "'2026-01-31 12:00+02'::timestamptz as at, '{\"a\": 1}'::jsonb as j, 0.1::float8 as f"
        )

        [row] = read_source(self.dataset(place, query)).to_pylist()

        assert row == {
            "price": "12.50",
            "yes": "t",
            "many": "{1,2}",
            "t": 'ä,"x"',
            "at": "2026-01-31 10:00:00+00",
            "j": '{"a": 1}',
            "f": "0.1",
        }

    @pytest.mark.parametrize(
        ("address", "message"),
        [
            ("postgresql://{user}:wrong%2F@127.0.0.1:{port}/postgres", "authentication failed"),
            ("postgresql://{user}:wrong%2F@127.0.0.1:1/postgres", "cannot be asked"),
            (
                "postgresql://{user}:wro@ng%2F@127.0.0.1:{port}/postgres",  # not a secret
                "the address .* must be",
            ),
            (
                "postgresql://{user}:wro/ng%2F@127.0.0.1:{port}/postgres",  # not a secret
                "the address .* must be",
            ),
            (
                "postgresql://{user}:wro%ng@127.0.0.1:{port}/postgres",  # not a secret
                "the address .* must be",
            ),
            ("wrong%2F", "the address .* must be postgresql://USER:PASSWORD@HOST"),  # not a secret
        ],
    )
    def test_what_is_wrong_with_an_address_is_said_without_the_password(
        self, server: str, monkeypatch: pytest.MonkeyPatch, address: str, message: str
    ) -> None:
        """A password that was not escaped ends up in other parts of the address."""
        port = server.rpartition(":")[2].partition("/")[0]
        monkeypatch.setenv(VARIABLE, address.format(user=USER, port=port))

        with pytest.raises(DataError, match=message) as said:
            read_source(self.dataset(f"env:{VARIABLE}"))

        for part in ("wro", "ng%2F", "ng/"):
            assert part not in str(said.value)
