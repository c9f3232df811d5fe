"""The feature store: none but DuckDB over Parquet, and a file that the server holds in memory.

Every option offers `historical` and `materialize`; `online_store` is its other half.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.features.online import FOLDER, POINTER, Pointer

if TYPE_CHECKING:
    from engine.features.tables import Events, FeatureTable

ALONE: dict[str, Any] = {
    "autoinstall_known_extensions": "false",  # it would ask the network
    "autoload_known_extensions": "false",
}
encode = msgspec.json.Encoder().encode
JOIN = """
SELECT {names}
FROM asked ASOF LEFT JOIN read_parquet($file) AS known
ON asked.key = known.{entity} AND asked.at >= known.known_since
ORDER BY asked.position
"""
LATEST = """
SELECT {entity} AS key, known_since, {names}
FROM read_parquet($file)
WHERE epoch_us(known_since) <= $until
QUALIFY row_number() OVER (PARTITION BY {entity} ORDER BY known_since DESC) = 1
ORDER BY key
"""
LAYOUT = (
    "CREATE TABLE latest (name TEXT, key TEXT, since REAL, content BLOB, PRIMARY KEY (name, key)) "
    "WITHOUT ROWID"
)


def historical(asked: "Sequence[Events]") -> list[pa.Table]:
    """What was known of each entity at each moment: the features and since when, row by row.

    A row for which nothing was known yet holds nulls.
    """
    found = []
    for events in asked:
        table = events.table
        rows = events.rows.append_column("position", pa.array(range(len(events.rows))))
        names = ", ".join(f"known.{_quoted(name)}" for name in [*table.columns, "known_since"])
        query = JOIN.format(names=names, entity=_quoted(table.entity))
        found.append(_query(query, {"file": str(table.file)}, rows))
    return found


def materialize(
    tables: "Sequence[FeatureTable]", until: datetime, settings: Settings
) -> dict[str, int]:
    """Put what is known at `until` where servers find it; says how many entities each table has.

    Servers see all of it or what was there before, never a part.
    """
    counts, examples, database = {}, {}, sqlite3.connect(":memory:")
    database.execute(LAYOUT)
    for table in tables:
        names = ", ".join(map(_quoted, table.columns))
        query = LATEST.format(names=names, entity=_quoted(table.entity))
        moment = int(until.timestamp() * 1e6)
        latest = _query(query, {"file": str(table.file), "until": moment})
        rows = (
            (table.name, row.pop("key"), row.pop("known_since").timestamp(), encode(row))
            for row in latest.to_pylist()
        )
        database.executemany("INSERT INTO latest VALUES (?, ?, ?, ?)", rows)
        counts[table.name] = len(latest)
        if len(latest):
            examples[table.entity] = latest.column("key")[0].as_py()
    database.commit()
    _publish(database.serialize(), until, examples, Storage(settings.store))
    return counts


def _query(query: str, parameters: dict[str, Any], asked: pa.Table | None = None) -> pa.Table:
    import duckdb  # tens of megabytes, and only contracts with tables need it

    with duckdb.connect(config=ALONE) as database:
        if asked is not None:
            database.register("asked", asked)
        found: pa.Table = database.sql(query, params=parameters).to_arrow_table()
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _publish(content: bytes, until: datetime, examples: dict[str, str], storage: Storage) -> None:
    """Write the file, then point to it; the file that was pointed to stays for slow readers."""
    name = f"online-{hashlib.sha256(content).hexdigest()[:16]}.sqlite"
    before = Pointer.read(storage)
    storage.write(f"{FOLDER}/{name}", content)
    storage.write(f"{FOLDER}/{POINTER}", msgspec.json.encode(Pointer(name, until, examples)))
    kept = {name, POINTER, before.file if before else name}
    for old in storage.list(FOLDER):
        if old not in kept:
            storage.remove(f"{FOLDER}/{old}")
