"""Facts about every column and its relation to the target, ready to be drawn."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from engine.contract.schema import Column, Contract
from engine.data.signs.leaks import strength
from engine.data.types import layout

BINS, MOST_GROUPS, SMALL = 24, 12, 10
OTHERS, MISSING = "(all others)", "(missing)"


@dataclass(frozen=True)
class Bar:
    """Rows in one bin or group, and what the target is there; None with too few rows to say."""

    label: str
    rows: int
    rate: float | None


@dataclass(frozen=True)
class View:
    """One column: `facts` are shown as they are; a personal column has nothing but counts."""

    name: str
    column: Column
    part: str
    facts: dict[str, str]
    bars: list[Bar] = field(default_factory=list)
    is_scale: bool = False
    strength: float | None = None


def views(frame: pd.DataFrame, contract: Contract) -> list[View]:
    """Every column of the contract that the frame has, features first, strongest first."""
    rate = rates(frame, contract)
    found = [
        _view(name, column, frame, contract, rate)
        for name, column in layout(contract).items()
        if name in frame and name != contract.dataset.target
    ]
    return sorted(found, key=lambda view: (view.strength is None, -(view.strength or 0)))


def rates(frame: pd.DataFrame, contract: Contract) -> pd.Series:
    """What is averaged over a group: 1 for the class asked about and 0, or the value."""
    target = frame[contract.dataset.target]
    if not contract.classes:
        return pd.to_numeric(target, errors="coerce")
    return (target == asked(frame, contract)).astype(float).where(target.notna())


def asked(frame: pd.DataFrame, contract: Contract) -> str:
    """The class whose share is shown: the positive one, or the most frequent of many."""
    counts = frame[contract.dataset.target].value_counts()
    return contract.positive or (str(counts.index[0]) if len(counts) else contract.classes[0])


def _view(
    name: str, column: Column, frame: pd.DataFrame, contract: Contract, rate: pd.Series
) -> View:
    values, data = frame[name], contract.dataset
    missing = int(values.isna().sum())
    facts = {
        "missing": f"{missing:,} ({missing / max(len(values), 1):.1%})",
        "different values": f"{values.nunique():,}",
    }
    part = {data.entity: "entity", data.timestamp: "timestamp"}.get(name, column.role)
    if column.personal:
        return View(name, column, part, facts)
    power = None
    if column.role in ("feature", "audit") or column.known_at == "outcome":
        score = strength(values, frame[data.target], contract.classes)
        power = None if np.isnan(score) else score
    if column.type in ("number", "integer", "datetime") and values.dtype != object:
        bars, more = _scale(values, rate)
        return View(name, column, part, facts | more, bars, is_scale=True, strength=power)
    if column.type in ("category", "boolean"):
        return View(name, column, part, facts, _groups(values, rate), strength=power)
    return View(name, column, part, facts, strength=power)


def _scale(values: pd.Series, rate: pd.Series) -> tuple[list[Bar], dict[str, str]]:
    """Bins of equal width; what lies beyond the 0.5 % and 99.5 % quantiles widens the ends."""
    known = values.dropna()
    if known.empty:
        return [], {}
    low, middle, high = (_text(known.quantile(q)) for q in (0.0, 0.5, 1.0))
    facts = {"lowest": low, "median": middle, "highest": high}
    numbers = known.to_numpy()
    numbers = numbers.astype("int64") if numbers.dtype.kind == "M" else numbers
    single = np.unique(numbers)
    if len(single) <= BINS:
        bins, labels = np.searchsorted(single, numbers), [_text(v) for v in np.unique(known)]
    else:
        start, end = np.quantile(numbers, [0.005, 0.995])
        count = int(min(BINS, max(8, len(numbers) ** 0.5)))
        edges = np.linspace(start, end if end > start else start + 1, count + 1)
        bins = np.clip(np.digitize(numbers, edges) - 1, 0, count - 1)
        edges[0], edges[-1] = min(edges[0], numbers.min()), max(edges[-1], numbers.max())
        shown = (
            pd.to_datetime(edges.astype("int64"), unit="us") if known.dtype.kind == "M" else edges
        )
        labels = [f"{_text(a)} to {_text(b)}" for a, b in pairwise(shown)]
    return _bars(bins, labels, rate.loc[known.index]), facts


def _groups(values: pd.Series, rate: pd.Series) -> list[Bar]:
    """The most frequent values, then the others as one, then the missing ones."""
    if values.dtype == np.float64:
        values = values.map({0.0: "no", 1.0: "yes"})
    often = values.value_counts().index[:MOST_GROUPS]
    named = values.where(values.isin(often) | values.isna(), OTHERS).fillna(MISSING)
    order = [*often, OTHERS, MISSING]
    codes = named.map({label: i for i, label in enumerate(order)}).to_numpy()
    return [bar for bar in _bars(codes, [str(label) for label in order], rate) if bar.rows]


def _bars(bins: Any, labels: list[str], rate: pd.Series) -> list[Bar]:
    counts = np.bincount(bins, minlength=len(labels))
    means = rate.groupby(bins).agg(["mean", "count"])
    few = set(means.index[means["count"] < SMALL])
    return [
        Bar(
            label,
            int(counts[i]),
            None if i in few or i not in means.index else float(means["mean"][i]),
        )
        for i, label in enumerate(labels)
    ]


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp | np.datetime64):
        return pd.Timestamp(value).strftime("%Y-%m-%d %H:%M")
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
