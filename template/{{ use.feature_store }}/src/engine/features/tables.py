"""Feature tables: values that change over time, as they were known at the moment of each row.

`[tables]` in contract.toml declares them. A value that became known the day after would give the
answer away. How rows and values are brought together is the seam `feature_store`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from engine.contract.schema import KEY, Column, Contract, to_text
from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.data.read import read_file
from engine.data.types import layout, typed
from engine.features import store

FOLDER = Path("features")  # typed copies of the tables, for the store to read
SINCE = "known_since"  # what the copy calls the moment from which its values hold
TIME = Column(type="datetime")
ARROW = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True)
class FeatureTable:
    """A table that was read and kept every rule; `file` holds it, typed, as Parquet.

    Its columns: the entity as text, the features, and SINCE.
    """

    name: str
    file: Path
    entity: str
    columns: dict[str, Column]
    max_age: timedelta | None


@dataclass(frozen=True)
class Events:
    """Whose values are asked for, and when: `key` (text) and `at` (UTC), one pair per row."""

    table: FeatureTable
    rows: pa.Table


@dataclass(frozen=True)
class Found:
    """What tables hold for some rows."""

    columns: dict[str, pd.Series]
    refused: dict[str, NDArray[np.bool_]]
    """By table that refuses missing values: the rows that it has none for."""


def complete(rows: pd.DataFrame, contract: Contract, at: datetime | None = None) -> pd.DataFrame:
    """Rows with every feature that is looked up, as it was known at each row's own moment.

    With `at`, or where the rows have no moment, as it is known then, or now. Values older than the
    contract allows are missing; rows of a table that refuses these are left out, and counted.
    """
    found = find(rows, contract, read_all(contract), at)
    kept = np.ones(len(rows), dtype=bool)
    for name, refused in found.refused.items():
        kept &= ~refused
        if refused.any():
            print(
                f"  note: {int(refused.sum())} of {len(rows)} rows have {no_value(name)}; "
                "they are left out",
                file=sys.stderr,
            )
    columns = dict(rows.items()) | found.columns
    order = [name for name in layout(contract) if name in columns]
    return pd.DataFrame({name: columns[name] for name in order})[kept]


def find(
    rows: pd.DataFrame,
    contract: Contract,
    tables: Sequence[FeatureTable],
    at: datetime | None = None,
) -> Found:
    """The values of rows that hold the key of each table, at their own moment or at `at`."""
    moments = _moments(rows, contract, at)
    asked = [Events(table, _events(rows[table.entity], moments)) for table in tables]
    columns, refused = {}, {}
    for events, found in zip(asked, store.historical(asked), strict=True):
        table = events.table
        since = typed(found.column(SINCE), TIME, contract.dataset).set_axis(rows.index)
        known = since.notna()
        if table.max_age is not None:
            known &= moments - since <= table.max_age
        for name, column in table.columns.items():
            values = typed(found.column(name), column, contract.dataset).set_axis(rows.index)
            columns[name] = values.where(known, None if values.dtype == object else np.nan)
        if contract.tables[table.name].when_missing == "refuse":
            refused[table.name] = ~known.to_numpy(dtype=bool)
    return Found(columns, refused)


def materialize(contract: Contract, config: Settings, until: datetime | None = None) -> None:
    """Check every table, put what is known at `until` (now) in place, and say how much that is."""
    counts = store.materialize(read_all(contract), until or datetime.now(UTC), config)
    for name, count in counts.items():
        print(f"materialized the table {name}: {count} values of {contract.tables[name].entity!r}")


def no_value(table: str) -> str:
    """What a refused row lacks, in words."""
    return f"no value in the table {table} that is known and young enough"


def read_all(contract: Contract) -> list[FeatureTable]:
    """Every table of the contract: read, typed, checked and written to FOLDER.

    Raises DataError with the table, the column, the rule and the row.
    """
    return [_read(name, contract) for name in contract.tables]


def _read(name: str, contract: Contract) -> FeatureTable:
    from engine.data.checks import check_table  # pandera; a contract without tables needs none

    table, features = contract.tables[name], contract.looked_up(name)
    raw = read_file(table.source, contract.dataset.separator, contract.dataset.encoding)
    columns = {table.entity: KEY, table.timestamp: TIME, **features}
    if absent := [column for column in columns if column not in raw.column_names]:
        raise DataError(
            f"{table.source} (the table {name}) has no column {', '.join(map(repr, absent))}; "
            f"it has {', '.join(map(repr, raw.column_names))}"
        )
    frame = pd.DataFrame({n: typed(raw.column(n), c, contract.dataset) for n, c in columns.items()})
    try:
        check_table(frame, name, contract)
    except DataError as error:
        raise DataError(f"{table.source} (the table {name}): {error}") from None
    arrays = {table.entity: pa.array(frame[table.entity], pa.string())}
    arrays |= {column: to_arrow(frame[column], entry.type) for column, entry in features.items()}
    arrays[SINCE] = to_arrow(frame[table.timestamp], "datetime")
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table(arrays), sink)
    Storage(FOLDER).write(f"{name}.parquet", sink.getvalue().to_pybytes())
    age = None if table.max_age_days is None else timedelta(days=table.max_age_days)
    return FeatureTable(name, FOLDER / f"{name}.parquet", table.entity, features, age)


def to_arrow(values: pd.Series, kind: str) -> Any:
    """A typed series as an Arrow array of the kind, missing values as nulls."""
    array = pa.array(values, from_pandas=True)
    if kind == "datetime":
        return array.cast(pa.timestamp("us")).cast(ARROW[kind])
    return array.cast(ARROW.get(kind, pa.string()))


def _moments(rows: pd.DataFrame, contract: Contract, at: datetime | None) -> pd.Series:
    """The moment of each row in UTC without a zone; a row without one knows nothing."""
    name = contract.dataset.timestamp
    if at is None and name in rows:
        known = pd.to_datetime(rows[name], errors="coerce")
        return known.fillna(pd.Timestamp(0)).astype("datetime64[us]")
    moment = (at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    return pd.Series(np.datetime64(moment, "us"), index=rows.index)


def _events(keys: pd.Series, moments: pd.Series) -> pa.Table:
    return pa.table(
        {
            "key": pa.array(key_texts(keys.tolist()), pa.string()),
            "at": pa.array(moments.to_numpy()).cast(ARROW["datetime"]),
        }
    )


def key_texts(keys: Sequence[Any]) -> list[str]:
    """Keys as the tables have them: text, and empty for a missing one, which nothing matches."""
    return ["" if key is None or key != key else to_text(key) for key in keys]
