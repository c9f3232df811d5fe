"""The feature store: Feast. Entities, views and services derive from the contract's tables.

Every option offers `historical` and `materialize`; `online_store` is its other half.
"""

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.core.errors import ContractError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.features.feast_worker import worker
from engine.features.online import EXAMPLES

if TYPE_CHECKING:
    from engine.features.tables import Events, FeatureTable

SINCE, MOMENT = "known_since", "event_timestamp"
RESERVED = {MOMENT, SINCE, "position"}


def historical(asked: "Sequence[Events]") -> list[pa.Table]:
    """What was known of each entity at each moment: the features and since when, row by row.

    A row for which nothing was known yet holds nulls.
    """
    plans = [_plan(events.table) for events in asked]
    with tempfile.TemporaryDirectory() as scratch:
        files = []
        for number, events in enumerate(asked):
            rows = events.rows.rename_columns([events.table.entity, MOMENT])
            rows = rows.append_column("position", pa.array(range(len(rows))))
            question, answer = (f"{scratch}/{kind}-{number}.parquet" for kind in ("asked", "found"))
            pq.write_table(rows, question)
            files.append([question, answer])
        worker.ask("historical", tables=plans, files=files)
        return [pq.read_table(answer, memory_map=False) for _, answer in files]


def materialize(
    tables: "Sequence[FeatureTable]",
    until: datetime,
    settings: Settings,  # noqa: ARG001 - where Feast keeps it is said in feature_store.yaml
) -> dict[str, int]:
    """Put what is known at `until` into Feast's online store; how many entities each table has."""
    plans = [_plan(table) for table in tables]
    counts = worker.ask("materialize", tables=plans, until=until.astimezone(UTC).isoformat())
    examples = {table.entity: key for table in tables if (key := _example(table, until))}
    Storage(EXAMPLES.parent).write(EXAMPLES.name, json.dumps(examples).encode())
    return dict(counts)


def _plan(table: "FeatureTable") -> dict[str, Any]:
    """What Feast has to know of a table; its source gets the column that Feast looks for."""
    if taken := RESERVED & {table.entity, *table.columns}:
        raise ContractError(f"[columns.{min(taken)!r}] has a name that Feast uses; rename it")
    source = table.file.with_name(f"{table.name}.feast.parquet")
    rows = pq.read_table(table.file)
    content = pa.BufferOutputStream()
    pq.write_table(rows.append_column(MOMENT, rows.column(SINCE)), content)
    Storage(source.parent).write(source.name, content.getvalue().to_pybytes())
    kinds = {name: (column.type, column.description) for name, column in table.columns.items()}
    return {
        "name": table.name,
        "description": f"What is known of each {table.entity}",
        "file": source.as_posix(),
        "entity": table.entity,
        "features": {**kinds, SINCE: ("datetime", "Since when the other values are known")},
        "max_age": table.max_age and table.max_age.total_seconds(),
    }


def _example(table: "FeatureTable", until: datetime) -> str:
    """An entity that has values at that moment."""
    rows = pq.read_table(table.file, columns=[table.entity, SINCE])
    known = rows.filter(pc.less_equal(rows.column(SINCE), pa.scalar(until, rows[SINCE].type)))
    return str(known.column(table.entity)[0]) if len(known) else ""
