"""Which of a table's times says when a row was true: a time, or a year in whole numbers."""

from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from engine.contract.schema import Column, Dataset
from engine.data.types import timestamps
from tools.draft.pii import LISTS, is_event, words
from tools.draft.profile import Profile
from tools.draft.types import clean

SAME_EVENT = 0.01  # two times that lie closer than this share of their span belong to one event
ENOUGH_TIMES = 10
ENOUGH_YEARS = 5  # fewer cannot be divided into older, newer and newest
YEARS = (1800, 2100)
SEASONS = pd.Timedelta(days=2 * 365)  # from so long a span on a day of the year comes again


class Stamp(NamedTuple):
    """The column that says when a row was true."""

    name: str
    why: str
    is_feature: bool
    """Whether it says more than when: a year, or a season that comes again."""
    most: float | None = None
    """The latest that may be asked for."""


def timestamp(
    profiles: dict[str, Profile], entries: dict[str, Column], table: pa.Table, base: Dataset
) -> Stamp | None:
    """The time of the event: the latest of the times that are always known, or just before it."""
    medians: dict[str, pd.Timestamp] = {}
    spans: dict[str, pd.Timedelta] = {}
    for name, seen in profiles.items():
        usable = (
            entries[name].role == "feature" and not seen.missing and seen.distinct >= ENOUGH_TIMES
        )
        if seen.kind == "datetime" and usable:
            values = timestamps(clean(table.column(name), base), base.dates)
            medians[name] = pd.Timestamp(values.median())
            spans[name] = values.max() - values.min()
    named = [name for name in medians if is_event(name)]
    widest = max(spans.values(), default=pd.Timedelta(0))
    close = [n for n, m in medians.items() if max(medians.values()) - m <= SAME_EVENT * widest]
    if not close:
        return None
    name = named[0] if named else min(close, key=lambda name: medians[name])
    why = "when a row was true"
    if spans[name] < SEASONS:
        return Stamp(name, why, is_feature=False)
    why += "; it spans years, so its hour, weekday and day of the year are features as well"
    return Stamp(name, why, is_feature=True)


def year(
    profiles: dict[str, Profile], entries: dict[str, Column], table: pa.Table
) -> tuple[Stamp | None, list[str]]:
    """The whole number that says in which year a row was true, or a note that one may.

    It is so where rows stand in the order of time, or each year has one row of each thing.
    """
    years = [
        n for n, seen in profiles.items() if entries[n].role == "feature" and _is_year(n, seen)
    ]
    if not years:
        return None, []
    name = years[0]
    seen = profiles[name]
    line = f'dataset.timestamp = "{name}" and split.method = "time"'
    if seen.distinct < ENOUGH_YEARS or not (seen.is_sorted or _is_panel(name, profiles, table)):
        return None, [
            f"{name!r} may say when a row was true; rows are not split by it, so the model is "
            f"asked about years it has seen. To ask it about later ones: {line}"
        ]
    why = f"the year in which a row was true; later ones up to {YEARS[1]} may be asked for"
    return Stamp(name, why, is_feature=True, most=float(YEARS[1])), []


def _is_year(name: str, seen: Profile) -> bool:
    fits = YEARS[0] <= seen.low and seen.high <= YEARS[1] and not seen.missing
    return (
        seen.kind == "integer" and fits and bool(words(name)) and set(words(name)) <= LISTS["year"]
    )


def _is_panel(name: str, profiles: dict[str, Profile], table: pa.Table) -> bool:
    """Whether the year, with a part of it or with one other column, names every row."""
    years = table.column(name).to_pandas()
    others = [
        other
        for other, seen in profiles.items()
        if other != name
        and not seen.missing
        and seen.distinct < seen.known
        and (seen.kind == "text" or set(words(other)) <= LISTS["part"])
    ]
    return any(
        not pd.DataFrame({"year": years, "other": table.column(other).to_pandas()})
        .duplicated()
        .any()
        for other in others
    )
