"""Features that stand in tables, joined to the rows of a batch: nothing where there are none."""

from datetime import datetime
from typing import Protocol, cast

import pyarrow as pa

from engine.contract.schema import Contract
from engine.features import lookup


class Tables(Protocol):
    """The tables of a contract, read and checked."""

    @property
    def digests(self) -> list[str]:
        """The hashes of what they hold."""

    def require(self, digests: list[str]) -> None:
        """Raise DataError when a table is not as it was when the run began."""

    def join(self, rows: pa.RecordBatch, at: datetime) -> tuple[pa.RecordBatch, dict[int, str]]:
        """The rows with their features; by place in the batch, what rows lack that need a value."""


class NoTables:
    """A contract that declares none."""

    digests: list[str] = []  # noqa: RUF012 - nobody changes it

    def require(self, digests: list[str]) -> None:
        """Nothing can have changed."""

    def join(self, rows: pa.RecordBatch, at: datetime) -> tuple[pa.RecordBatch, dict[int, str]]:
        """The rows as they are."""
        del at
        return rows, {}


def tables_of(contract: Contract) -> Tables:
    """What the contract's `[tables]` hold.

    Raises DataError when one breaks a rule, ContractError where the repository has no code for it.
    """
    if not contract.tables:
        return NoTables()
    return cast(Tables, lookup.part("engine.batch.rows.looked_up").LookedUp(contract))
