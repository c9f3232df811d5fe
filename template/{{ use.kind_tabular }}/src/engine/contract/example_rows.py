"""Rows made up from the contract: for the API's examples, for tests and for load."""

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.contract.schema import Column, Contract

START = datetime(2026, 1, 5, tzinfo=UTC)


def rows(contract: Contract, count: int = 1, seed: int = 0) -> list[dict[str, Any]]:
    """Rows that the contract allows, with a missing value here and there; the same for a seed."""
    chance = random.Random(seed)
    return [
        {name: value(column, chance) for name, column in contract.features.items()}
        for _ in range(count)
    ]


def requests(
    contract: Contract, count: int = 1, seed: int = 0, keys: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The same as a request sends them: keys instead of what is looked up.

    `keys` gives an entity that the tables know, by its column; made-up ones are unknown to them.
    """
    chance = random.Random(seed)
    found = []
    for row in rows(contract, count, seed):
        known = {name: key for name, key in (keys or {}).items() if name in contract.sent}
        found.append(
            {
                name: known.get(name, row[name] if name in row else value(column, chance))
                for name, column in contract.sent.items()
            }
        )
    return found


def value(column: Column, chance: random.Random) -> Any:
    """A value the column may hold, as JSON has it; a tenth are null where that is allowed."""
    if column.nullable and chance.random() < 0.1:
        return None
    if column.type == "category":
        return chance.choice(column.values)
    if column.type == "text":
        return f"example {chance.randrange(1_000_000)}"
    if column.type == "boolean":
        return chance.random() < 0.5
    if column.type == "datetime":
        moment = START + timedelta(minutes=chance.randrange(600_000))
        return moment.isoformat().replace("+00:00", "Z")
    low, high = bounds(column)
    if column.type == "integer":
        return chance.randint(math.ceil(low), math.floor(high))
    digits = 2 if high - low >= 10 else 6
    return min(max(round(chance.uniform(low, high), digits), low), high)


def bounds(column: Column) -> tuple[float, float]:
    """The range of a numeric column; an open end lies a hundred away from the other one."""
    low = column.min if column.min is not None else (column.max or 0.0) - 100
    high = column.max if column.max is not None else low + 100
    return low, high
