"""What is compared of each row: the values of its columns, and which of them are missing."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ..contract import Contract

UNKNOWN = "(unknown)"  # stands for every category the contract does not list


def logged(rows: list[msgspec.Raw], contract: Contract) -> pd.DataFrame:
    """Logged rows typed as training types them; a personal column, never in the log, is empty.

    number, integer, boolean: float64, missing is NaN; category and datetime: text, missing is None.
    """
    decoded = [msgspec.json.decode(row, type=dict[str, Any]) for row in rows]
    columns = {}
    for name, column in contract.features.items():
        values = [row.get(name) for row in decoded]
        numeric = column.type in ("number", "integer", "boolean")
        columns[name] = np.array(values, dtype=np.float64 if numeric else object)
    return pd.DataFrame(columns)


def signals(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """What is compared: `<column> values`, float64 or categorical, and `<column> missing`.

    Personal columns are not compared.
    """
    found: dict[str, Any] = {}
    for name, column in contract.features.items():
        if column.personal or name not in frame:
            continue
        values = frame[name]
        if column.type in ("number", "integer"):
            found[f"{name} values"] = values.astype(float)
        elif column.type == "boolean":
            found[f"{name} values"] = _categorical(values.fillna(-1), ("false", "true"))
        elif column.type == "category":
            places = {value: place for place, value in enumerate(column.values)}
            known = values.map(places).fillna(len(places))
            codes = known.where(values.notna(), -1)
            found[f"{name} values"] = _categorical(codes, (*column.values, UNKNOWN))
        found[f"{name} missing"] = _categorical(values.isna(), ("no", "yes"))
    return pd.DataFrame(found)


def _categorical(codes: Any, names: tuple[str, ...]) -> Any:
    kind = pd.CategoricalDtype(list(names))
    return pd.Categorical.from_codes(np.asarray(codes).astype(np.int64), dtype=kind)
