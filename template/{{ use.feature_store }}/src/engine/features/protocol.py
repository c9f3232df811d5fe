"""What every option of the feature store offers."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from engine.contract.schema import Contract
from engine.core.settings import Settings
from engine.features.lookup import Found

if TYPE_CHECKING:  # a serving image has no pandas
    import pandas as pd


class OnlineStore(Protocol):
    """The latest values of every entity, for whoever answers while a caller waits."""

    @property
    def examples(self) -> dict[str, str]:
        """An entity of each kind that has values, by its column."""

    def refresh(self) -> str:
        """Take over what was materialized since; what is wrong, or nothing."""

    async def find(self, table: str, keys: Sequence[str], entity: str) -> list[Found | None]:
        """The values of each key, None where there are none."""

    def close(self) -> None:
        """End what runs beside the server."""


class FeatureTables(Protocol):
    """The module `engine.features.tables`."""

    def complete(
        self, rows: "pd.DataFrame", contract: Contract, at: datetime | None = None
    ) -> "pd.DataFrame":
        """Rows with every feature that is looked up, as it was known at each row's own moment."""

    def materialize(
        self, contract: Contract, config: Settings, until: datetime | None = None
    ) -> None:
        """Put the latest values where servers look them up."""
