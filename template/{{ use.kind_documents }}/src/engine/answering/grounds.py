"""Whether what a language model said rests on the passages it was given.

It catches quotes that stand nowhere, citations of passages that were not given, numbers that no
cited passage has, and addresses that were not quoted. It does not catch a relation turned round: an
inserted "not", or two names that changed places.
"""

import re
from typing import Any

import msgspec

from engine.retrieval.lexical import Passage

LEAST = 8  # characters of a quote; less stands everywhere
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
LINK = re.compile(r"(?i)\b(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.\w+")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["answer", "refused", "citations"],
    "properties": {
        "answer": {"type": "string"},
        "refused": {"type": "boolean"},
        "citations": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["passage", "quote"],
                "properties": {"passage": {"type": "integer"}, "quote": {"type": "string"}},
            },
        },
    },
}


class Quoted(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A citation as the model gives it."""

    passage: int
    quote: str


class Claim(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An answer as the model gives it."""

    answer: str
    refused: bool
    citations: list[Quoted]


class Unfounded(Exception):  # noqa: N818 - a finding, not a fault
    """The answer does not rest on the passages; the text says why, in a few words."""


def claim(text: str) -> Claim:
    """What a model said, as the schema has it.

    Raises Unfounded when it is something else.
    """
    try:
        return msgspec.json.decode(text, type=Claim)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Unfounded("the model's answer is not the JSON that was asked for") from None


def cited(said: Claim, passages: list[Passage]) -> list[tuple[Passage, int, int]]:
    """The quotes of an answer as ranges of their documents.

    Raises Unfounded for an answer that its citations do not carry.
    """
    if not said.answer.strip():
        raise Unfounded("the model answered nothing")
    if not said.citations:
        raise Unfounded("the model cited nothing")
    found = []
    for quoted in said.citations:
        if not 1 <= quoted.passage <= len(passages):
            raise Unfounded("the model cited a passage that it was not given")
        passage = passages[quoted.passage - 1]
        span = place(quoted.quote, passage.text)
        if span is None:
            raise Unfounded("the model quoted what does not stand in the passage")
        found.append((passage, passage.start + span[0], passage.start + span[1]))
    grounds = " ".join(f"{p.title} {p.heading} {p.text}" for p, _, _ in found)
    if {*NUMBER.findall(said.answer)} - {*NUMBER.findall(grounds)}:
        raise Unfounded("the model named a number that no cited passage has")
    quotes = " ".join(quoted.quote for quoted in said.citations)
    if any(link.strip(".,;)") not in quotes for link in LINK.findall(said.answer)):
        raise Unfounded("the model named an address that it did not quote")
    return found


def place(quote: str, text: str) -> tuple[int, int] | None:
    """Where a quote stands in a text, whatever white space lies between its words."""
    words = quote.split()
    if len("".join(words)) < LEAST:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    return found.span() if found else None
