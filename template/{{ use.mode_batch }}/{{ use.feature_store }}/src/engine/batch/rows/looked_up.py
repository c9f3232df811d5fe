"""Features that stand in a table instead of the file, joined to each row as of its own moment.

A row without a moment gets what is known when the run starts. The tables are those of the run's
beginning: their digests are part of the job, so that a run that goes on finds the same values.
"""

import hashlib
from datetime import datetime

import pandas as pd
import pyarrow as pa

from engine.contract.schema import Contract
from engine.core.errors import DataError
from engine.data.types import layout, typed
from engine.features import tables
from engine.features.tables import to_arrow


class LookedUp:
    """The tables of a contract, read and checked."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._tables = tables.read_all(contract)
        self.digests = [hashlib.sha256(t.file.read_bytes()).hexdigest() for t in self._tables]

    def require(self, digests: list[str]) -> None:
        """Raise DataError when a table is not as it was when the run began."""
        if self.digests != digests:
            names = ", ".join(self._contract.tables)
            raise DataError(f"a table changed while rows were scored ({names}); start again")

    def join(self, rows: pa.RecordBatch, at: datetime) -> tuple[pa.RecordBatch, dict[int, str]]:
        """The rows with their features; by place in the batch, what rows lack that need a value."""
        entries = layout(self._contract)
        data = self._contract.dataset
        names = dict.fromkeys([table.entity for table in self._tables])
        if data.timestamp and data.timestamp in rows.schema.names:
            names |= {data.timestamp: None}
        known = pd.DataFrame(
            {n: typed(pa.chunked_array([rows.column(n)]), entries[n], data) for n in names}
        )
        moment = None if data.timestamp in names else at
        found = tables.find(known, self._contract, self._tables, moment)
        for name, values in found.columns.items():
            rows = rows.append_column(name, to_arrow(values, entries[name].type))
        faults: dict[int, str] = {}
        for table, refused in found.refused.items():
            for place in refused.nonzero()[0].tolist():
                said = f"there is {tables.no_value(table)}"
                faults[place] = f"{faults[place]}. {said}" if place in faults else said
        return rows, faults
