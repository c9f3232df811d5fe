"""Typical values of the features in the training rows: what a prediction is explained against."""

from typing import Any

import pandas as pd

from engine.contract.schema import Column, Contract


def typical_values(frame: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """The typical value, as JSON has it, of every feature but the personal ones.

    It leaves with the bundle, and so with an app in the browser: nothing personal may be in it.
    """
    names = [name for name in contract.features if name not in contract.personal]
    return {name: typical(frame[name], contract.features[name]) for name in names}


def typical(series: pd.Series, column: Column) -> Any:
    """The middle one of numbers, the most frequent of the others; None where most are missing."""
    known = series.dropna()
    if known.empty or (column.nullable and len(known) < len(series) / 2):
        return None
    if column.type in ("number", "integer"):
        return float(known.quantile(0.5, interpolation="lower"))
    if column.type == "datetime":
        return _moment(known)
    most = known.mode().iloc[0]
    return bool(most) if column.type == "boolean" else str(most)


def _moment(known: pd.Series) -> str:
    """The middle hour on the newest day that is the most frequent weekday."""
    hour = int(known.dt.hour.quantile(0.5, interpolation="lower"))
    weekday = known.dt.weekday.mode().iloc[0]
    day = known[known.dt.weekday == weekday].max().normalize()
    return f"{day + pd.Timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"
