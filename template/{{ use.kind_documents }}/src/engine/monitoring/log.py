"""The log of the server: what was answered, and what people thought of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from engine.monitoring.source import Source

Json = dict[str, Any]
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """Answers of a span of time and the votes in it, and what was before."""

    answers: list[Json]
    before: list[Json]
    feedback: list[Json]
    feedback_before: list[Json]
    broken: int
    """Lines that are no records, such as the last one of a server that was killed."""


def read(source: Source, start: datetime, end: datetime) -> Window:
    """What the log holds from `start` to `end`, and the answers before."""
    found = Window([], [], [], [], 0)
    broken = 0
    for kind in ("predictions", "outcomes"):
        for record in _records(source, kind):
            if record is None:
                broken += 1
                continue
            at = record["at"]
            if at >= end:
                continue
            if kind == "outcomes":
                (found.feedback if at >= start else found.feedback_before).append(record)
            else:
                (found.answers if at >= start else found.before).append(record)
    return found._replace(broken=broken)


def _records(source: Source, kind: str) -> Iterator[Json | None]:
    for line in source.lines(kind):
        try:
            record = msgspec.json.decode(line, type=Json)
            record["at"] = msgspec.convert(record["at"], datetime)
            yield record
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
            yield None
