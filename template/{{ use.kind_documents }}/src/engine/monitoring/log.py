"""The log of the server: what was answered, and what people thought of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec

from engine.monitoring.source import Source

Json = dict[str, Any]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Window(NamedTuple):
    """Answers of a span of time and the votes in it, and what was before."""

    answers: list[Json]
    before: list[Json]
    feedback: list[Json]
    """One vote for each answer, the last that was given; so is `feedback_before`."""
    feedback_before: list[Json]
    broken: int
    """Lines that are no records, such as the last one of a server that was killed."""


def read(source: Source, start: datetime, end: datetime) -> Window:
    """What the log holds from `start` to `end`, and the answers before."""
    found = Window([], [], [], [], 0)
    broken, votes = 0, dict[str, Json]()
    for kind in ("predictions", "outcomes"):
        for record in _records(source, kind):
            if record is None:
                broken += 1
                continue
            at, number = record["at"], record["id"]
            if at >= end:
                continue
            if kind == "predictions":
                (found.answers if at >= start else found.before).append(record)
            elif number not in votes or at >= votes[number]["at"]:
                votes[number] = record
    for vote in votes.values():
        (found.feedback if vote["at"] >= start else found.feedback_before).append(vote)
    return found._replace(broken=broken)


def _records(source: Source, kind: str) -> Iterator[Json | None]:
    for line in source.lines(kind):
        try:
            record = msgspec.json.decode(line, type=Json)
            record["at"] = msgspec.convert(record["at"], Moment)
            record["id"] = msgspec.convert(record["id"], str)
            yield record
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
            yield None
