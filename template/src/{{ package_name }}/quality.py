"""Rows against the contract: a Pandera schema derived from it, and faults a person can act on."""

from typing import Any, cast

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from .contract import Column, Contract
from .errors import DataError
from .typed import layout

FIRST_ROW = 2  # rows are numbered as in the file, whose header is row 1
TYPES = {
    "number": "must be a number",
    "integer": "must be a number",
    "boolean": "must be true or false",
    "datetime": "must be a time such as 2026-01-31 12:00:00",
}


def schema(contract: Contract, *, with_target: bool = True) -> pa.DataFrameSchema:
    """The Pandera schema of a frame as `data.read` returns it, every check named by its rule."""
    data, columns = contract.dataset, layout(contract)
    if not with_target:
        columns = dict(contract.features)
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                checks=_checks(column),
                nullable=column.nullable,
                required=name in contract.features or name in (data.target, data.entity, data.timestamp),
            )
            for name, column in columns.items()
        }
    )


def check(frame: pd.DataFrame, contract: Contract, *, with_target: bool = True) -> None:
    """Require that every row keeps every rule of the contract.

    Raises DataError with one line per column and broken rule: how many rows, the first of them
    (numbered as in the file) and its value. Values of personal columns are not shown.
    """
    if frame.empty:
        raise DataError("the data hold no rows")
    try:
        schema(contract, with_target=with_target).validate(frame, lazy=True)
    except SchemaErrors as error:
        raise DataError("\n".join(_faults(frame, error.failure_cases, contract))) from None


def _checks(column: Column) -> list[pa.Check]:
    checks = []
    if column.type in TYPES:
        checks.append(_rule(TYPES[column.type], lambda s: ~s.map(lambda v: isinstance(v, str))
                            if s.dtype == object else np.isfinite(s) if s.dtype == float else s.notna()))
    if column.type == "integer":
        checks.append(_rule("must be a whole number", lambda s: _number(s) % 1 == 0))
    if column.min is not None:
        low = column.min
        checks.append(_rule(f"must be at least {low:.12g}", lambda s: _number(s) >= low))
    if column.max is not None:
        high = column.max
        checks.append(_rule(f"must be at most {high:.12g}", lambda s: _number(s) <= high))
    if column.type == "category" and column.values and column.unknown == "refuse":
        shown = ", ".join(column.values[:8]) + (", ..." if len(column.values) > 8 else "")
        checks.append(_rule(f"must be one of {shown}", lambda s: s.isin(column.values)))
    return checks


def _rule(words: str, passes: Any) -> pa.Check:
    """A check of the values that are not missing; None as a verdict counts as passed."""
    return pa.Check(passes, name=words, error=words)


def _number(values: pd.Series[Any]) -> pd.Series[float]:
    """Numbers to compare; what is none of its own rule's making is judged by the type rule alone."""
    return pd.to_numeric(values, errors="coerce")
