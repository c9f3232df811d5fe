"""Which of a table's times says when a row was true."""

import pandas as pd
import pyarrow as pa

from engine.contract.schema import Column, Dataset
from engine.data.types import timestamps
from tools.draft.pii import is_event
from tools.draft.profile import Profile
from tools.draft.types import clean

SAME_EVENT = 0.01  # two times that lie closer than this share of their span belong to one event
ENOUGH_TIMES = 10


def timestamp(
    profiles: dict[str, Profile], entries: dict[str, Column], table: pa.Table, base: Dataset
) -> str | None:
    """The time of the event: the latest of the times that are always known, or just before it."""
    medians: dict[str, pd.Timestamp] = {}
    spans = []
    for name, seen in profiles.items():
        usable = (
            entries[name].role == "feature" and not seen.missing and seen.distinct >= ENOUGH_TIMES
        )
        if seen.kind == "datetime" and usable:
            values = timestamps(clean(table.column(name), base), base.dates)
            medians[name] = pd.Timestamp(values.median())
            spans.append(values.max() - values.min())
    if named := [name for name in medians if is_event(name)]:
        return named[0]
    close = [n for n, m in medians.items() if max(medians.values()) - m <= SAME_EVENT * max(spans)]
    return min(close, key=lambda name: medians[name], default=None)
