"""Rows in: CSV or Parquet, by path or URL, typed by the contract."""

import codecs
import hashlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
from numpy.typing import NDArray

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.errors import DataError
from engine.core.storage import Storage
from engine.data.types import layout, typed

FIRST_ROW = 2  # rows are numbered as in the file, whose header is row 1
HASHED_ROWS = 65_536  # at a time
NO_TABLES = {  # how files begin that people take for a table
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed",
}


def read_bytes(source: str) -> bytes:
    """The whole file.

    Raises DataError with the way out when there is none.
    """
    folder, slash, name = source.replace("\\", "/").rpartition("/")
    storage = Storage(folder or ("/" if slash else "."))
    if not storage.exists(name):
        raise DataError(
            f"{source} does not exist; name a file with dataset.source in contract.toml, "
            "or take your own with: python3 run.py contract draft FILE --target COLUMN"
        )
    return storage.read(name)


def file_hash(source: str) -> str:
    """The SHA-256 of a file, as run records hold it."""
    return hashlib.sha256(read_bytes(source)).hexdigest()


def read_file(source: str, separator: str = ",", encoding: str = "utf-8") -> pa.Table:
    """The raw table of a file: text for every column of a CSV, its own types for Parquet.

    Raises DataError when it is neither, has two columns of one name or another encoding.
    """
    content = read_bytes(source)
    if not content.strip():
        raise DataError(f"{source} is empty; a header and rows are needed")
    if kind := database_kind(content):
        raise DataError(
            f"{source} is a database ({kind}); say which rows with a query: query = "
            '"select ..." under [dataset] in contract.toml, or --query "select ..." for a draft'
        )
    if what := next((what for mark, what in NO_TABLES.items() if content.startswith(mark)), ""):
        raise DataError(f"{source} is {what}; save the table as CSV or Parquet")
    try:
        if is_parquet(content):
            table = pyarrow.parquet.read_table(pa.BufferReader(in_arrow(content)))
        else:
            table = csv_table(as_utf8(content, encoding), separator)
    except UnicodeError as error:
        raise DataError(
            f"{source} cannot be read as {encoding}: {str(error)[:200]}; say how it writes letters "
            'with dataset.encoding in contract.toml, such as "cp1252", or save it as UTF-8'
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source} cannot be read: {_reason(str(error))}") from None
    require_unique(table.column_names, source)
    return table


def row_of_file(number: int) -> str:
    """What a row of a file is called; the first has the number 0."""
    return f"row {number + FIRST_ROW}"


def require_unique(names: Sequence[str], source: str) -> None:
    """Refuse two columns of one name: nobody could say which of them the contract means."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{source} has more than one column named {', '.join(map(repr, twice))}; rename them"
        )


def as_utf8(content: bytes, encoding: str) -> bytes:
    """The content of a CSV file the way Arrow reads it; UnicodeError when it is not so written."""
    if codecs.lookup(encoding).name == "utf-8":
        return content
    return content.decode(encoding).encode()


def holds_ascii(encoding: str) -> bool:
    """Whether separators, quotes and line breaks are single bytes, the same as in UTF-8."""
    plain = bytes(range(128))
    return plain.decode(encoding, errors="replace") == plain.decode("ascii")


def is_parquet(content: bytes) -> bool:
    """Whether a file is Parquet, whatever its name says."""
    return content[:4] == b"PAR1"


def database_kind(head: bytes) -> str:
    """The kind of database that a file with these first bytes is; empty where it is none."""
    kinds = {"sqlite": head.startswith(b"SQLite format 3\0"), "duckdb": head[8:12] == b"DUCK"}
    return next((kind for kind, fits in kinds.items() if fits), "")


def in_arrow(content: bytes) -> pa.Buffer:
    """The content in memory of Arrow's own, to be read by its readers.

    Its threads let go of what they read after the call has returned. What belongs to Python they
    cannot let go of once Python is ending: the process is aborted (apache/arrow 33975, 34314).
    """
    stream = pa.BufferOutputStream()
    stream.write(content)
    return stream.getvalue()


def csv_table(content: bytes, separator: str) -> pa.Table:
    """A CSV as texts."""
    header = content.split(b"\n", 1)[0]
    parse = pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=b'"' in content)
    reading = pyarrow.csv.ReadOptions(block_size=max(1 << 24, 2 * len(header)))
    owned = in_arrow(content)
    with pyarrow.csv.open_csv(
        pa.BufferReader(owned), read_options=reading, parse_options=parse
    ) as opened:
        names = opened.schema.names
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    return pyarrow.csv.read_csv(
        pa.BufferReader(owned), read_options=reading, parse_options=parse, convert_options=convert
    )


def _reason(text: str) -> str:
    """Arrow's words for a broken file, with the way out where it is known."""
    text = text.splitlines()[0][:300] if text else "unknown reason"
    if "utf8" in text.lower().replace("-", ""):
        return (
            f"it is not UTF-8 ({text}); say how it writes letters with dataset.encoding in "
            'contract.toml, such as "cp1252", or save it as UTF-8'
        )
    if "Expected" in text and "columns" in text:
        return f"a row has more or fewer values than the header ({text}); check the separator"
    return text


def read_rows(source: str, contract: Contract, *, with_target: bool = True) -> pd.DataFrame:
    """Read the columns of the contract, in its order; other columns of the file are left alone.

    Without the target only the features are required, as in a batch to be scored; what is looked up
    in feature tables is not among them yet. Types are those of `types.typed`. Raises DataError
    naming the column that is missing and those that are there.
    """
    table = read_file(source, contract.dataset.separator, contract.dataset.encoding)
    return typed_rows(table, contract, source, with_target=with_target)


def own_rows(contract: Contract, *, with_target: bool = True) -> pd.DataFrame:
    """The same for the rows that `src/app/data.py` gives."""
    table = app.data().load(contract)
    return typed_rows(table, contract, contract.dataset.origin, with_target=with_target)


def table_hash(table: pa.Table) -> str:
    """A hash of what a table holds: names, types and values, in their order."""
    digest, table = hashlib.sha256(), table.replace_schema_metadata(None)
    with pa.ipc.new_stream(pa.PythonFile(_Hashed(digest), mode="w"), table.schema) as stream:
        stream.write_table(table.combine_chunks(), max_chunksize=HASHED_ROWS)
    return digest.hexdigest()


class _Hashed(io.RawIOBase):
    """A file that keeps nothing of what is written but its hash."""

    def __init__(self, digest: Any) -> None:
        self.digest = digest

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return len(content)


def typed_rows(
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


def feature_values(frame: pd.DataFrame, contract: Contract) -> dict[str, NDArray[Any]]:
    """The features of a frame, one array each, as `features.Encoder` takes them.

    float64 with NaN, datetime64[us] in UTC with NaT, and texts as objects with None.
    """
    columns: dict[str, NDArray[Any]] = {}
    for name, column in contract.features.items():
        values = frame[name]
        if column.type == "datetime":
            columns[name] = values.to_numpy(dtype="datetime64[us]")
        elif column.type == "category":
            columns[name] = values.where(values.notna(), None).to_numpy(dtype=object)
        else:
            columns[name] = values.to_numpy(dtype="float64")
    return columns


def target_values(frame: pd.DataFrame, contract: Contract) -> NDArray[Any]:
    """The target of labelled rows: class positions as int64, or values as float64; one per row."""
    values = frame[contract.dataset.target]
    if contract.classes:
        positions = {name: index for index, name in enumerate(contract.classes)}
        return values.map(positions).to_numpy(dtype=np.int64)
    return values.to_numpy(dtype=np.float64)


def reference_rows(frame: pd.DataFrame, contract: Contract, rows: int, seed: int) -> pd.DataFrame:
    """The features of at most `rows` random rows in their order, without personal columns."""
    names = [name for name in contract.features if name not in contract.personal]
    picked = np.random.default_rng(seed).permutation(len(frame))[:rows]
    return frame[names].iloc[np.sort(picked)]
