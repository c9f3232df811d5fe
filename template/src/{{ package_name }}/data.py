"""Rows in: CSV or Parquet, by path or URL, typed by the contract. The verb `data` looks at them."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from . import source as sources
from .contract import Contract
from .errors import DataError
from .tables.leaks import leaks
from .tables.quality import check, schema
from .tables.split import Split, labelled, split
from .tables.typed import layout, typed

__all__ = [
    "Split",
    "check",
    "inputs",
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

    Without the target only the features are required, as in a batch to be scored. Types are those
    of `typed.typed`. Raises DataError naming the column that is missing and those that are there.
    """
    return frame(
        load(source, contract.dataset.separator), contract, source, with_target=with_target
    )


def frame(
    table: pa.Table, contract: Contract, source: str, *, with_target: bool = True
) -> pd.DataFrame:
    """The typed columns of a raw table; `source` is used in messages."""
    columns, features, data = layout(contract), contract.features, contract.dataset
    needed = [*features, data.target, data.entity, data.timestamp] if with_target else [*features]
    if absent := [
        name for name in dict.fromkeys(needed) if name and name not in table.column_names
    ]:
        raise DataError(
            f"{source} has no column {', '.join(map(repr, absent))}; "
            f"it has {', '.join(map(repr, table.column_names))}"
        )
    present = {name: column for name, column in columns.items() if name in table.column_names}
    return pd.DataFrame({n: typed(table.column(n), c, data) for n, c in present.items()})


def load(source: str, separator: str = ",") -> pa.Table:
    """The raw table of a file: text for every column of a CSV, its own types for Parquet.

    Raises DataError when it is neither, has two columns of one name or is not UTF-8.
    """
    content = sources.content(source)
    if not content.strip():
        raise DataError(f"{source} is empty; a header and rows are needed")
    try:
        if is_parquet(content):
            table = pyarrow.parquet.read_table(io.BytesIO(content))
        else:
            table = _csv(content, separator)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{source} cannot be read: {_reason(str(error))}") from None
    names = table.column_names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}; rename them"
        )
    return table


def is_parquet(content: bytes) -> bool:
    """Whether a file is Parquet, whatever its name says."""
    return content[:4] == b"PAR1"


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


def _csv(content: bytes, separator: str) -> pa.Table:
    header = content.split(b"\n", 1)[0]
    parse = pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=b'"' in content)
    reading = pyarrow.csv.ReadOptions(block_size=max(1 << 24, 2 * len(header)))
    names = pyarrow.csv.open_csv(
        io.BytesIO(content), read_options=reading, parse_options=parse
    ).schema.names
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    return pyarrow.csv.read_csv(
        io.BytesIO(content), read_options=reading, parse_options=parse, convert_options=convert
    )


def _reason(text: str) -> str:
    """Arrow's words for a broken file, with the way out where it is known."""
    text = text.splitlines()[0][:300] if text else "unknown reason"
    if "utf8" in text.lower().replace("-", ""):
        return f"it is not UTF-8 ({text}); save it as UTF-8"
    if "Expected" in text and "columns" in text:
        return f"a row has more or fewer values than the header ({text}); check the separator"
    return text
