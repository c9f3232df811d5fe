"""What a request does not say: values of feature tables, looked up by the entities that it names.

The model sees what it saw in training: values no older than the contract allows, and a missing
value or a refusal where there is none, as the contract says.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.contract.schema import Contract, Table, to_text
from engine.contract.types import column_type
from engine.core.errors import Problem, RequestError
from engine.features.protocol import OnlineStore
from engine.serving.protocol import Completed

DAY = 86_400.0


class TableLookup:
    """One table: where its key stands in a row, and what it gives."""

    def __init__(self, name: str, contract: Contract, key: int) -> None:
        self.name, self.table, self.key = name, contract.tables[name], key
        self.columns = list(contract.looked_up(name))
        types = tuple(map(column_type, contract.looked_up(name).values()))
        self._values: Any = tuple[types]  # type: ignore[valid-type]
        kinds = [column.type for column in contract.looked_up(name).values()]
        self._times = [index for index, kind in enumerate(kinds) if kind == "datetime"]
        self.nothing = (None,) * len(types)

    async def find(
        self, rows: Sequence[Sequence[Any]], store: OnlineStore, now: float
    ) -> list[tuple[str, tuple[Any, ...]]]:
        """State and values for each row, as they are `now` (seconds since 1970)."""
        keys = ["" if row[self.key] is None else to_text(row[self.key]) for row in rows]
        age = self.table.max_age_days
        known: dict[str, tuple[str, tuple[Any, ...]]] = {}
        asked = list(dict.fromkeys(keys))
        told = await store.find(self.name, asked, self.table.entity)
        for key, found in zip(asked, told, strict=True):
            if found is None:
                known[key] = "missing", self.nothing
            elif age is not None and now - found.since > age * DAY:
                known[key] = "stale", self.nothing
            else:
                values = [found.values[name] for name in self.columns]
                for index in self._times:  # some stores have moments as seconds
                    if isinstance(values[index], int):
                        values[index] = datetime.fromtimestamp(values[index], UTC)
                known[key] = "fresh", msgspec.convert(values, self._values)
        return [known[key] for key in keys]


class Lookup:
    """Completes rows that hold what a request sends; `order` is the order the model takes."""

    def __init__(
        self,
        contract: Contract,
        sent: Sequence[str],
        order: Sequence[str],
        store: OnlineStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.contract, self.store, self.sent, self.now = contract, store, list(sent), now
        self.tables = [
            TableLookup(name, contract, self.sent.index(table.entity))
            for name, table in contract.tables.items()
        ]
        whole = [*self.sent, *(name for table in self.tables for name in table.columns)]
        self._places = [whole.index(name) for name in order]

    async def __call__(self, rows: Sequence[Sequence[Any]]) -> Completed:
        """The rows with all that the model needs.

        Raises RequestError for entities without a value where the contract wants none guessed, and
        whatever the store raises when it cannot be asked.
        """
        now = self.now()
        found = [await table.find(rows, self.store, now) for table in self.tables]
        problems = [
            _problem(table.name, table.table, number, row[table.key], state)
            for table, states in zip(self.tables, found, strict=True)
            if table.table.when_missing == "refuse"
            for number, (row, (state, _)) in enumerate(zip(rows, states, strict=True))
            if state != "fresh"
        ]
        if problems:
            raise RequestError(problems)
        return self._together(rows, found)

    def without(self, rows: Sequence[Sequence[Any]]) -> Completed:
        """The same rows when the store could not be asked: nothing is known, and marked so."""
        nothing = [[("failed", table.nothing)] * len(rows) for table in self.tables]
        return self._together(rows, nothing)._replace(failed=True)

    def _together(
        self,
        rows: Sequence[Sequence[Any]],
        found: Sequence[Sequence[tuple[str, tuple[Any, ...]]]],
    ) -> Completed:
        names = [table.name for table in self.tables]
        completed, states = [], []
        for row, *values in zip(rows, *found, strict=True):
            whole = [*row, *(value for _, part in values for value in part)]
            completed.append(tuple(whole[place] for place in self._places))
            states.append({n: state for n, (state, _) in zip(names, values, strict=True)})
        return Completed(completed, states)


def _problem(name: str, table: Table, row: int, key: Any, state: str) -> Problem:
    rule = f"known in the table {name}"
    why = "nothing is known of it there"
    if state == "stale":
        why = f"what is known of it there is older than {table.max_age_days:g} days"
    return Problem(rule, f"row {row}: {table.entity!r} is {key!r}; {why}", row, table.entity, key)
