"""Rows against the contract: a Pandera schema derived from it, and faults a person can act on."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from engine.contract.schema import KEY, Column, Contract
from engine.core.errors import DataError
from engine.data.read import FIRST_ROW, row_of_file
from engine.data.types import layout

TYPES = {
    "number": "must be a number",
    "integer": "must be a whole number",
    "boolean": "must be true or false",
    "datetime": "must be a time such as 2026-01-31 12:00:00",
}


def schema(contract: Contract, *, with_target: bool = True) -> pa.DataFrameSchema:
    """The Pandera schema of a frame as `data.read` returns it; every check is named by its rule.

    Ignored columns have no rules. Without the target it is the schema of a batch: features only.
    """
    data, columns = contract.dataset, layout(contract)
    special: tuple[str | None, ...] = (
        data.target,
        data.entity,
        data.timestamp,
        *contract.split.then_by,
    )
    if not with_target:
        columns, special = {**contract.sent, **contract.features}, ()
    return _rules(
        {
            name: column
            for name, column in columns.items()
            if column.role in ("feature", "audit") or name in special or name in contract.sent
        }
    )


def check_rows(
    frame: pd.DataFrame,
    contract: Contract,
    *,
    with_target: bool = True,
    called: Callable[[int], str] = row_of_file,
) -> None:
    """Require that every row keeps every rule of the contract.

    Raises DataError with one line per column and broken rule: how many rows, the first of them, as
    it is `called`, and its value. Values of personal columns are not shown.
    """
    if frame.empty:
        raise DataError("the data hold no rows")
    require(frame, schema(contract, with_target=with_target), contract, called)


def check_table(frame: pd.DataFrame, name: str, contract: Contract) -> None:
    """The same for a feature table; one moment of an entity may have one row only."""
    table = contract.tables[name]
    columns = {
        table.entity: KEY,
        table.timestamp: Column(type="datetime"),
        **contract.looked_up(name),
    }
    require(frame, _rules(columns), contract)
    twice = frame.duplicated([table.entity, table.timestamp])
    if twice.any():
        first = int(frame.index[int(twice.to_numpy().argmax())]) + FIRST_ROW
        raise DataError(
            f"{int(twice.sum())} rows repeat {table.entity!r} and {table.timestamp!r} of an earlier"
            f" row, the first is row {first}; of two values known since the same moment none is"
            " the later one"
        )


def require(
    frame: pd.DataFrame,
    rules: pa.DataFrameSchema,
    contract: Contract,
    called: Callable[[int], str] = row_of_file,
) -> None:
    """Hold a frame against a schema; rows keep the numbers that the frame's index gives them."""
    numbers, frame = frame.index, frame.reset_index(drop=True)
    try:
        rules.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return
    lines = [
        _fault(str(column), str(rule), rows["index"].to_numpy(), frame, numbers, contract, called)
        for (column, rule), rows in cases.groupby(["column", "check"], sort=False)
    ]
    raise DataError("\n".join(lines))


def _fault(
    column: str,
    rule: str,
    rows: Any,
    frame: pd.DataFrame,
    numbers: pd.Index,
    contract: Contract,
    called: Callable[[int], str],
) -> str:
    if rule == "column_in_dataframe":
        return f"column {column!r} is missing"
    if rule == "not_nullable":
        rule, shown = "may not be missing", "missing"
    elif column in contract.personal:
        shown = "a value not shown, because the column is personal"
    else:
        value = frame[column].iloc[int(min(rows))]
        shown = f"{value:.12g}" if isinstance(value, float) else repr(value)[:80]
    many = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    first = called(int(numbers[int(min(rows))]))
    return f"column {column!r} {rule}: {many} break this, the first is {first} with {shown}"


def _rules(columns: Mapping[str, Column]) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        {
            name: pa.Column(checks=_checks(column), nullable=column.nullable)
            for name, column in columns.items()
        }
    )


def _checks(column: Column) -> list[pa.Check]:
    """The rules of one column, each a vector function that is true where a value keeps it."""
    checks = []
    if column.type in TYPES:
        checks.append(_rule(TYPES[column.type], lambda values: _has_type(values, column.type)))
    if column.min is not None:
        low = column.min
        checks.append(_rule(f"must be at least {low:.12g}", lambda v: ~(_number(v) < low)))
    if column.max is not None:
        high = column.max
        checks.append(_rule(f"must be at most {high:.12g}", lambda v: ~(_number(v) > high)))
    if column.type == "category" and column.values and column.unknown == "refuse":
        shown = ", ".join(column.values[:8]) + (", ..." if len(column.values) > 8 else "")
        checks.append(_rule(f"must be one of {shown}", lambda v: v.isin(column.values)))
    return checks


def _rule(words: str, passes: Callable[[pd.Series], Any]) -> pa.Check:
    """A check of the values that are not missing."""
    return pa.Check(passes, name=words, error=words, ignore_na=True)


def _has_type(values: pd.Series, kind: str) -> Any:
    """A column of the wrong type holds the values that could not be turned, as they were."""
    if kind == "datetime":
        return (
            values.map(lambda value: isinstance(value, datetime))
            if values.dtype == object
            else values.notna()
        )
    numbers = _number(values)
    good = numbers.notna() & np.isfinite(numbers)
    return good & (numbers % 1 == 0) if kind == "integer" else good


def _number(values: pd.Series) -> pd.Series:
    """What could be turned into a number; a text never is one, even if it looks like it."""
    if values.dtype != object:
        return values
    return values.map(lambda value: value if isinstance(value, float) else np.nan).astype(float)
