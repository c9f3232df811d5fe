"""The rows of a DuckDB database. Every database offers KIND and `read`."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.core.errors import DataError

KIND = "duckdb"
ALONE: dict[str, Any] = {
    "threads": 1,  # sums of floats depend on their order, and the same rows must give the same sum
    "autoinstall_known_extensions": "false",  # it would ask the network
    "autoload_known_extensions": "false",
}


def read(place: str, query: str) -> pa.Table:
    """The rows of a query on the file `place`, which is opened for reading only."""
    import duckdb  # tens of megabytes, and only a query needs it

    if not Path(place).is_file():
        raise DataError(f"{place} does not exist; dataset.source names the file of the database")
    try:
        with duckdb.connect(place, read_only=True, config=ALONE) as database:
            found = database.sql(query)
            if found is None:
                raise DataError(f"{place}: dataset.query gives no rows; it must be a select")
            table: pa.Table = found.to_arrow_table()
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{place}: dataset.query cannot be run: {reason}") from None
    return table
