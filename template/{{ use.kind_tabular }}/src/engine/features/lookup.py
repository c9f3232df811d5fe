"""Features that stand in tables of their own, where the repository has the code for them.

`[tables]` in contract.toml asks for them. The code comes with the answer feature_store=tables or
feast (its Protocols: `engine.features.protocol`); without it, such a contract is refused.
"""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from engine.contract.schema import Contract
from engine.core.errors import ContractError
from engine.core.settings import Settings

if TYPE_CHECKING:  # a serving image has no pandas
    import pandas as pd


class Found(NamedTuple):
    """What a store holds of an entity: the values, and since when (seconds since 1970)."""

    since: float
    values: Mapping[str, Any]


def part(name: str) -> Any:
    """A module that came with the feature store.

    Raises ContractError where it did not.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ContractError(
            "contract.toml declares [tables], and this repository has no code for them; "
            "bring it in with: python3 run.py template update -d feature_store=tables"
        ) from None


def complete(rows: "pd.DataFrame", contract: Contract) -> "pd.DataFrame":
    """Rows with everything a model needs; those of a contract without tables are complete."""
    if not contract.tables:
        return rows
    return cast("pd.DataFrame", part("engine.features.tables").complete(rows, contract))


def materialize(contract: Contract, config: Settings) -> None:
    """Put the latest values where servers look them up; nothing for a contract without tables."""
    if contract.tables:
        part("engine.features.tables").materialize(contract, config)


def online_store(config: Settings) -> Any:
    """The store that servers look into; it needs nothing of what training needs."""
    return part("engine.features.online").OnlineStore(config)


def example_keys(contract: Contract, config: Settings) -> dict[str, str]:
    """An entity of each kind that tables know, by its column: for a request worth showing."""
    if not contract.tables:
        return {}
    return cast(dict[str, str], part("engine.features.online").example_keys(config))
