"""The question set: what is asked, what answers it, and what nothing answers.

One JSON object to a line. `split` is `dev`, by which choices are made, or `test`, on which gates
look. A question with an answer names its documents and spans of their text; one without says in
`slice` whether its topic is in the documents (`absent`) or nothing of it is (`outside`).
"""

from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from engine.core.errors import DataError


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One question of the set."""

    id: str
    split: Literal["dev", "test"]
    question: str
    answerable: bool
    documents: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    """Any one of them in an answer makes it a correct one."""
    slice: str = ""
    language: str = "en"


class Questions(NamedTuple):
    """The set, held against the documents."""

    asked: list[Question]
    warnings: list[str]

    def part(self, split: str, *, answerable: bool) -> list[Question]:
        """Those of a split that have an answer, or have none."""
        return [q for q in self.asked if q.split == split and q.answerable is answerable]

    def without(self, split: str, slice_: str) -> list[Question]:
        """Those of a split and a slice that have no answer."""
        return [q for q in self.part(split, answerable=False) if q.slice == slice_]


def raw(path: str) -> bytes:
    """The file as it is; empty where there is none."""
    return Path(path).read_bytes() if Path(path).is_file() else b""


def load(path: str, names: Collection[str]) -> Questions:
    """The questions about documents of these names.

    A question about documents that are gone counts as one that is missed; where all of them are
    gone, the set speaks of other documents and none of it is asked. Raises DataError naming the
    line of what is wrong.
    """
    found, seen = list[Question](), dict[str, int]()
    for number, line in enumerate(raw(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            question = msgspec.json.decode(line, type=Question)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise DataError(f"{path}, line {number}: {error}") from None
        if fault := _fault(question, seen):
            raise DataError(f"{path}, line {number}: {fault}")
        seen[question.id] = number
        found.append(question)
    return _held(path, found, names)


def _fault(question: Question, seen: dict[str, int]) -> str:
    if question.id in seen:
        return f"the id {question.id!r} is that of line {seen[question.id]} already"
    if not question.question.strip():
        return "the question is empty"
    if question.answerable and not (question.documents and question.spans):
        return "a question with an answer needs `documents` and `spans`"
    if not question.answerable and (question.documents or question.spans):
        return "a question without an answer has neither `documents` nor `spans`"
    if not question.answerable and question.slice not in ("absent", "outside"):
        return f"slice is {question.slice!r}; without an answer it is `absent` or `outside`"
    return ""


def _held(path: str, found: list[Question], names: Collection[str]) -> Questions:
    if not found:
        return Questions([], [f"{path} holds no question: quality is not measured"])
    asked = {name for question in found for name in question.documents}
    gone = sorted(asked - {*names})
    if asked and len(gone) == len(asked):
        return Questions(
            [],
            [
                f"{path} asks about other documents ({', '.join(gone[:3])} ...): quality is not "
                "measured and no gate looks; write questions about yours"
            ],
        )
    if gone:
        say = f"{path} names documents that are not there, and these questions count as missed: "
        return Questions(found, [say + ", ".join(gone)])
    return Questions(found, [])
