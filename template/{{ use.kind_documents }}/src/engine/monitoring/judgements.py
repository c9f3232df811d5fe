"""Judgements of logged answers, kept in the store: nothing is asked twice, nothing written over."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from engine.answering import prompt
from engine.contract.schema import Judge
from engine.core.errors import DataError
from engine.core.storage import Storage
from engine.registry.runs import new_id

Json = dict[str, Any]
SLOTS = ("{passages}", "{question}", "{answer}")
FOLDER = "judgements"


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of an answer of the log, and by whom."""

    id: str
    at: datetime
    """When the answer was given."""
    version: int
    model: str
    prompt_version: str
    grounded: bool
    answered: bool
    reason: str
    """With e-mail addresses, cards, accounts and telephone numbers blotted out."""

    @property
    def is_good(self) -> bool:
        """Whether the answer answers the question, and what it cites states it."""
        return self.grounded and self.answered


class Quality(NamedTuple):
    """What is known of the quality of answers, by one judge with one prompt."""

    model: str
    prompt_version: str
    known: list[Judgement]
    """By the time of the answer."""
    asked: int = 0
    """Calls of this time."""
    unjudged: Mapping[str, int] = {}
    """Why other answers have no judgement, by how often."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Json | None = None

    def good(self, start: datetime, end: datetime) -> tuple[list[bool], list[bool]]:
        """Whether judged answers are good: those from `start` to `end`, and those of before."""
        now = [each.is_good for each in self.known if start <= each.at < end]
        return now, [each.is_good for each in self.known if each.at < start]


def load(storage: Storage, rules: Judge) -> Quality:
    """What was judged before by this judge with this prompt; others measure otherwise.

    Raises AppError for the prompt, DataError for a file that is broken.
    """
    by = (rules.model, prompt.version(prompt.load(rules.logged_prompt, SLOTS)))
    found: dict[str, Judgement] = {}
    for name in storage.list(FOLDER):
        for line in storage.read(f"{FOLDER}/{name}").splitlines():
            try:
                each = msgspec.json.decode(line, type=Judgement)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                where = storage.path(f"{FOLDER}/{name}")
                raise DataError(f"{where}: {error}; delete it, to judge again") from None
            if (each.model, each.prompt_version) == by:
                found[each.id] = each
    return Quality(*by, in_time(found.values()))


def keep(storage: Storage, made: Iterable[Judgement]) -> None:
    """Write new ones into a file of their own."""
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in made)
    if lines:
        storage.write(f"{FOLDER}/{new_id()}.jsonl", lines)


def in_time(found: Iterable[Judgement]) -> list[Judgement]:
    """Judgements by the time of their answers."""
    return sorted(found, key=lambda each: each.at)
