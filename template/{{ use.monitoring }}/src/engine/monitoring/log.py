"""The prediction log as it was written: one JSON line for each prediction and for each outcome.

Any serving option may write it, to wherever `engine.monitoring.source` reads. Reading never holds
more rows than MOST_ROWS, however long the window is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec

from engine.monitoring.source import Source

MOST_ROWS = 100_000  # beyond it every second row is dropped, again and again; counts stay exact
HOUR = timedelta(hours=1)

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Answer(msgspec.Struct, frozen=True):
    """What the caller was told: a label with its probabilities, or a value."""

    label: str | None = None
    probabilities: dict[str, float] | None = None
    value: float | None = None


class Prediction(msgspec.Struct, frozen=True):
    """One answered row, without the row itself."""

    id: str
    at: Moment
    version: int
    fallback: bool
    answer: Answer


class LoggedRow(Prediction, frozen=True):
    """One answered row; `row` stays JSON until it is needed."""

    row: msgspec.Raw


class Outcome(msgspec.Struct, frozen=True):
    """What became of a prediction, and what that was worth."""

    id: str
    at: Moment
    outcome: Any
    value: float | None = None


@dataclass
class Window:
    """What was predicted between two moments."""

    start: datetime
    end: datetime
    count: int = 0
    others: Counter[int] = field(default_factory=Counter)
    """Rows by the version that answered them under another contract: they are not looked at."""
    fallbacks: int = 0
    broken: int = 0
    """Lines that could not be read, such as one cut off by a full disk."""
    rows: list[msgspec.Raw] = field(default_factory=list)
    labels: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Answers of the champion's own model by hours before the end, and label."""
    values: list[float] = field(default_factory=list)
    """The same for a regression, without the hours."""

    @property
    def size(self) -> str:
        """How many rows it holds, in words."""
        return f"{self.count} row{'s' * (self.count != 1)}"

    @property
    def hours(self) -> int:
        """How many hours the window touches."""
        return -((self.start - self.end) // HOUR)


Record = TypeVar("Record", Prediction, LoggedRow, Outcome)


def window(
    source: Source,
    start: datetime,
    end: datetime,
    version: int,
    fits: Callable[[int], bool] = lambda _: True,
) -> Window:
    """Read what was predicted from `start` up to `end`; only answers of `version` are counted.

    `fits` says of a version whether its rows can be compared with those of `version`.
    """
    found, step = Window(start, end), 1
    for record in _records(source, "predictions", LoggedRow, found, start):
        if not start <= record.at < end:
            continue
        if not fits(record.version):
            found.others[record.version] += 1
            continue
        if found.count % step == 0:
            found.rows.append(record.row.copy())
        if len(found.rows) > MOST_ROWS:
            found.rows, step = found.rows[::2], step * 2
        found.count += 1
        if record.fallback:
            found.fallbacks += 1
        elif record.version == version and record.answer.label is not None:
            found.labels[(end - record.at) // HOUR, record.answer.label] += 1
        elif record.version == version and record.answer.value is not None:
            found.values.append(record.answer.value)
    return found


def outcomes(source: Source, end: datetime) -> dict[str, Outcome]:
    """Every outcome known at `end`, by prediction id; a later one corrects an earlier one."""
    found: dict[str, Outcome] = {}
    for record in _records(source, "outcomes", Outcome):
        known = found.get(record.id)
        if record.at < end and (known is None or known.at <= record.at):
            found[record.id] = record
    return found


def predictions(source: Source, ids: Iterable[str]) -> Iterator[Prediction]:
    """The predictions that have one of these ids."""
    wanted = frozenset(ids)
    if wanted:
        yield from (p for p in _records(source, "predictions", Prediction) if p.id in wanted)


def _records(
    source: Source,
    kind: str,
    record: type[Record],
    tally: Window | None = None,
    start: datetime | None = None,
) -> Iterator[Record]:
    decode = msgspec.json.Decoder(record).decode
    day = start.astimezone(UTC).strftime("%Y%m%d") if start else ""
    for line in source.lines(kind, day):
        try:
            yield decode(line)
        except msgspec.DecodeError:
            if tally:
                tally.broken += 1
