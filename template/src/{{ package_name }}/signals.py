"""What is compared of each row: the values of its columns, and which of them are missing."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd

from .contract import Contract

UNKNOWN = "(unknown)"  # stands for every category the contract does not list


def logged(rows: list[msgspec.Raw], contract: Contract) -> pd.DataFrame:
    """Logged rows typed as training types them; personal columns are not in the log.

    number, integer, boolean: float64, missing is NaN; category and datetime: text, missing is None.
    """
    decoded = [msgspec.json.decode(row, type=dict[str, Any]) for row in rows]
    columns = {}
    for name, column in contract.features.items():
        if column.personal:
            continue
        values = [row.get(name) for row in decoded]
        numeric = column.type in ("number", "integer", "boolean")
        columns[name] = np.array(values, dtype=np.float64 if numeric else object)
    return pd.DataFrame(columns)


def signals(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """What is compared: `<column> values` (numbers or text) and `<column> missing` (yes or no)."""
    found: dict[str, Any] = {}
    for name, column in contract.features.items():
        if column.personal or name not in frame:
            continue
        values = frame[name]
        if column.type in ("number", "integer"):
            found[f"{name} values"] = values.astype(float)
        elif column.type == "boolean":
            found[f"{name} values"] = values.map({0.0: "false", 1.0: "true"}).astype(object)
        elif column.type == "category":
            known = values.isin(column.values) | values.isna()
            found[f"{name} values"] = values.where(known, UNKNOWN).astype(object)
        found[f"{name} missing"] = values.isna().map({True: "yes", False: "no"}).astype(object)
    return pd.DataFrame(found, index=frame.index)
