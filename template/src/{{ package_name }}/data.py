"""Rows in: CSV or Parquet, by path or URL, typed by the contract. The verb `data` looks at them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from . import feature_tables
from .contract import Contract
from .errors import DataError
from .tables.leaks import leaks
from .tables.quality import check, schema
from .tables.raw import is_parquet, load
from .tables.split import Split, labelled, split
from .tables.typed import layout, typed

__all__ = [
    "Split",
    "check",
    "inputs",
    "is_parquet",
    "labelled",
    "leaks",
    "load",
    "read",
    "reference",
    "schema",
    "split",
    "target",
]


def read(source: str, contract: Contract, *, with_target: bool = True) -> pd.DataFrame:
    """Read the columns of the contract, in its order; other columns of the file are left alone.

    Without the target only the features are required, as in a batch to be scored. Features of a
    table are looked up as they were known at each row's moment. Types are those of `typed.typed`.
    Raises DataError naming the column that is missing and those that are there.
    """
    rows = frame(
        load(source, contract.dataset.separator), contract, source, with_target=with_target
    )
    return feature_tables.complete(rows, contract)


def frame(
    table: pa.Table, contract: Contract, source: str, *, with_target: bool = True
) -> pd.DataFrame:
    """The typed columns of a raw table, without what is looked up; `source` is for messages."""
    columns, sent, data = layout(contract), contract.sent, contract.dataset
    needed = [*sent, data.target, data.entity, data.timestamp] if with_target else [*sent]
    if absent := [
        name for name in dict.fromkeys(needed) if name and name not in table.column_names
    ]:
        raise DataError(
            f"{source} has no column {', '.join(map(repr, absent))}; "
            f"it has {', '.join(map(repr, table.column_names))}"
        )
    present = {n: c for n, c in columns.items() if n in table.column_names and not c.table}
    return pd.DataFrame({n: typed(table.column(n), c, data) for n, c in present.items()})


def inputs(frame: pd.DataFrame, contract: Contract) -> Mapping[str, Sequence[Any]]:
    """The features of a frame as `features.Encoder.columns` takes them; missing is NaN or None."""
    columns: dict[str, Sequence[Any]] = {}
    for name, column in contract.features.items():
        values = frame[name]
        if column.type == "datetime":
            stamps = values.to_numpy(dtype="datetime64[us]").astype(object)
            columns[name] = stamps.tolist()
        elif column.type == "category":
            columns[name] = values.where(values.notna(), None).tolist()
        else:
            columns[name] = values.to_numpy(dtype="float64")  # type: ignore[assignment]
    return columns


def target(frame: pd.DataFrame, contract: Contract) -> NDArray[Any]:
    """The target of labelled rows: class positions as int64, or values as float64; one per row."""
    values = frame[contract.dataset.target]
    if contract.classes:
        positions = {name: index for index, name in enumerate(contract.classes)}
        return values.map(positions).to_numpy(dtype=np.int64)
    return values.to_numpy(dtype=np.float64)


def reference(frame: pd.DataFrame, contract: Contract, rows: int, seed: int) -> pd.DataFrame:
    """The features of at most `rows` random rows in their order, without personal columns."""
    names = [name for name in contract.features if name not in contract.personal]
    picked = np.random.default_rng(seed).permutation(len(frame))[:rows]
    return frame[names].iloc[np.sort(picked)]
