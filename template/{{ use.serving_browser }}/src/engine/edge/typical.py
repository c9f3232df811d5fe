"""Typical values of the features in the training data: what a prediction is explained against."""

import io
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from engine.contract.schema import Column
from engine.registry.bundle import Bundle


def values(bundle: Bundle) -> dict[str, Any]:
    """The typical values, as JSON has them, of the features in the reference sample.

    Personal columns are not in that sample, so nothing of them leaves with the app.
    """
    frame = pd.read_parquet(io.BytesIO(bundle.reference))
    features = bundle.contract.features
    return {name: typical(frame[name], features[name]) for name in frame.columns}


def rows(bundle: Bundle) -> int:
    """How many rows the reference sample has."""
    return int(pq.read_metadata(io.BytesIO(bundle.reference)).num_rows)


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
    """The newest full hour on the most frequent weekday at the middle hour: all a model sees."""
    hour = int(known.dt.hour.quantile(0.5, interpolation="lower"))
    weekday = known.dt.weekday.mode().iloc[0]
    day = known[known.dt.weekday == weekday].max().normalize()
    return f"{day + pd.Timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"
