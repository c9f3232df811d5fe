"""The rows of a PostgreSQL database, by psycopg. Every database offers KIND and `read`.

COPY hands the rows over as CSV: the fastest way out of PostgreSQL, and every type of it has a text.
"""

import pyarrow as pa

from engine.core.errors import DataError
from engine.data.read import csv_table

KIND = "postgres"
SECONDS = 10  # until a server that does not answer is given up
# Written alike wherever the server stands; sums of floats depend on their order, so one worker.
SETTINGS = (
    b"set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set extra_float_digits = 1; "
    b"set max_parallel_workers_per_gather = 0"
)
ADDRESS = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"  # not a secret
FORM = f"{ADDRESS}, with %40 for an @ in the password"


def read(place: str, query: str) -> pa.Table:
    """The rows of a query, as texts, in a transaction that may only read.

    `place` is the URL, from an environment variable; no message quotes it.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = {name: str(value or "") for name, value in conninfo_to_dict(place).items()}
    except psycopg.Error:
        parts = {}
    # A password with an @ or a / that was not escaped has ended up in the other parts.
    if not parts or any("@" in parts.get(name, "") for name in ("host", "port", "dbname")):
        raise DataError(f"the address of the database is not understood; it must be {FORM}")
    secret = parts.get("password", "")
    select = query.strip().removesuffix(";")
    try:
        with psycopg.connect(place, connect_timeout=SECONDS, client_encoding="utf8") as database:
            database.read_only = True
            database.execute(SETTINGS)
            with database.cursor().copy(
                f"copy (\n{select}\n) to stdout (format csv, header)".encode()
            ) as rows:
                content = b"".join(rows)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        said = reason.replace(secret, "***") if secret else reason
        raise DataError(f"the database cannot be asked: {said}") from None
    return csv_table(content, ",")
