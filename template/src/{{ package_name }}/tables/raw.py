"""Files to raw tables: CSV or Parquet, by path or URL; what a column means is decided later."""

import io

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from .. import source as sources
from ..errors import DataError


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
