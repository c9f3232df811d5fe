"""Rows of the data as a caller sends them, and a value that the contract refuses."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from engine.contract.schema import Column, Contract


def as_json(frame: pd.DataFrame, columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """These columns of typed rows as JSON has them."""
    names = [name for name in columns if name in frame]
    return [
        {name: _value(value, columns[name]) for name, value in zip(names, row, strict=True)}
        for row in frame[names].astype(object).itertuples(index=False)
    ]


def wrong_value(contract: Contract) -> tuple[str, Any]:
    """A column that callers send, and a value it refuses: out of its range, where one has a range.

    A test is skipped, and says so, where the contract takes whatever comes.
    """
    columns = sorted(contract.sent.items(), key=lambda item: item[1].max is None)
    for name, column in columns:
        if column.max is not None:
            return name, 2 * abs(column.max) + 1
        if column.type != "text" and (column.type != "category" or column.unknown == "refuse"):
            return name, "wrong"
    pytest.skip("contract.toml refuses no value of any column that is sent")


def _value(value: Any, column: Column) -> Any:
    if pd.isna(value):
        return None
    if column.type == "datetime":
        return f"{value.isoformat()}Z"
    return bool(value) if column.type == "boolean" else value
