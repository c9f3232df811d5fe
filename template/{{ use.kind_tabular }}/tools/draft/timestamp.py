"""Which of a table's times says when a row was true: a time, or a year and its parts in numbers."""

from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from engine.contract.schema import Column, Dataset
from engine.data.split import month
from engine.data.types import timestamps
from tools.draft.pii import LISTS, is_event, words
from tools.draft.profile import Profile
from tools.draft.types import clean

SAME_EVENT = 0.01  # two times that lie closer than this share of their span belong to one event
ENOUGH_TIMES = 10
ENOUGH_YEARS = 5  # fewer cannot be divided into older, newer and newest
YEARS = (1800, 2100)
# The parts of a year: the least and the greatest number, and the part that divides it further.
PARTS = {
    "month": (1, 12, "day"),
    "mo": (1, 12, "day"),
    "quarter": (1, 4, ""),
    "week": (1, 53, ""),
    "day": (1, 31, "hour"),
    "hour": (0, 23, ""),
}
SEASONS = pd.Timedelta(days=2 * 365)  # from so long a span on a day of the year comes again


class Stamp(NamedTuple):
    """The column that says when a row was true."""

    name: str
    why: str
    is_feature: bool
    """Whether it says more than when: a year, or a season that comes again."""
    most: float | None = None
    """The latest that may be asked for."""
    then_by: tuple[str, ...] = ()
    """Columns that say more exactly when: the month of the year, the day of the month."""


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

    It is so where columns beside it divide the year, where rows stand in the order of time, or
    where each year has one row of each thing.
    """
    parts = _parts(profiles)
    years = [
        name
        for name, seen in profiles.items()
        if _is_year(name, seen)
        # a year that comes once looks like a key, one that never changes like nothing at all
        and (entries[name].role == "feature" or seen.is_sequence or parts)
    ]
    if not years:
        return None, []
    name = years[0]
    seen = profiles[name]
    if parts and _moments(table, [name, *parts]) >= ENOUGH_TIMES:
        return _dated(name, seen, parts), []
    line = f'dataset.timestamp = "{name}" and split.method = "time"'
    if seen.distinct < ENOUGH_YEARS or not (seen.is_sorted or _is_panel(name, profiles, table)):
        return None, [
            f"{name!r} may say when a row was true; rows are not split by it, so the model is "
            f"asked about years it has seen. To ask it about later ones: {line}"
        ]
    why = f"the year in which a row was true; later ones up to {YEARS[1]} may be asked for"
    return Stamp(name, why, is_feature=True, most=float(YEARS[1])), []


def _dated(name: str, seen: Profile, parts: tuple[str, ...]) -> Stamp:
    """The year with its parts; a single year is the same in every row, so nothing to learn from."""
    why = f"with {' and '.join(map(repr, parts))} it says when a row was true"
    if seen.distinct == 1:
        return Stamp(name, why, is_feature=False, then_by=parts)
    why += f"; later years up to {YEARS[1]} may be asked for"
    return Stamp(name, why, is_feature=True, most=float(YEARS[1]), then_by=parts)


def _moments(table: pa.Table, names: list[str]) -> int:
    """How many different moments some columns tell together."""
    return len(table.select(names).group_by(names).aggregate([]))


def _parts(profiles: dict[str, Profile]) -> tuple[str, ...]:
    """The columns that divide a year, and those that divide its months and days."""
    named = {"".join(words(name)): name for name in profiles}
    found = list[str]()
    steps = ["month", "mo", "quarter", "week"]
    while part := next((p for p in steps if p in named and _fits(p, profiles[named[p]])), ""):
        found.append(named[part])
        steps = [PARTS[part][2]]
    return tuple(found)


def _fits(part: str, seen: Profile) -> bool:
    """Whether a column of this name holds the numbers of such a part, or the names of months."""
    low, high, _ = PARTS[part]
    if seen.missing or seen.kind not in ("integer", "text"):
        return False
    if seen.kind == "integer":
        return low <= seen.low and seen.high <= high
    return part in ("month", "mo") and all(month(text) is not None for text in seen.counts)


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
