"""Sentences of a passage, and how much of a question they cover."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from engine.retrieval.index import Index
from engine.retrieval.lexical import Passage, about

END = re.compile(
    r"(?m)^#{1,6}[ \t].*$"  # a heading, which states nothing, stands between two sentences
    r"|(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9À-Þ])|\n\s*\n|\n(?=\s*(?:[-*|]|\d+[.)]\s))"
)
ABOVE = 0.5  # a word of title or heading beside one of the sentence itself
TOGETHER = 320  # characters that two sentences may have
SECOND = 0.08  # of the question a second sentence must cover to be worth reading
LEAST = 12  # characters; less is a heading's number or a mark
LONGEST = 650  # characters of a sentence; the longest of 1,227 in XQuAD has 628
WHOLE = re.compile(r"\S(?:.*\S)?", re.DOTALL)
LINE = re.compile(r"\S(?:.*\S)?")


class Sentence(NamedTuple):
    """A range of a document, and the share of the question that it covers."""

    passage: Passage
    start: int
    end: int
    text: str
    covers: float


def best(question: str, passages: list[Passage], index: Index) -> Sentence | None:
    """The sentence, or two that follow each other, that cover most of the question.

    What is said above a passage counts for its sentences, but less than their own words; of equal
    ones that of the better passage.
    """
    asked = {stem: index.idf(stem) for stem in dict.fromkeys(index.stemmer.stems(question))}
    whole = sum(asked.values())
    if not whole:
        return None
    found, most = None, 0.0
    for passage in passages:
        above = {*index.stemmer.stems(about(passage.title, passage.heading))}
        known = sum(ABOVE * idf for stem, idf in asked.items() if stem in above)
        for start, end, price in candidates(passage.text):
            text = passage.text[start:end]
            own = asked.keys() & {*index.stemmer.stems(text)}
            if not own or text in (passage.title, passage.heading):
                continue
            weight = sum(asked[stem] * (1 - ABOVE * (stem in above)) for stem in own)
            covers = (known + weight) / whole
            if covers - price > most + 1e-9:
                at, most = passage.start, covers - price
                found = Sentence(passage, at + start, at + end, text, covers)
    return found


def candidates(text: str) -> Iterator[tuple[int, int, float]]:
    """Sentences, and short neighbours together, each with what its length costs."""
    alone = [*ranges(text)]
    yield from ((start, end, 0.0) for start, end in alone)
    for (start, stop), (following, end) in pairwise(alone):
        if end - start <= TOGETHER and "\n\n" not in text[stop:following]:
            yield start, end, SECOND


def ranges(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences stand.

    What goes on for more than LONGEST has no full stops, as code and tables: each line counts.
    """
    at = 0
    for cut in [*END.finditer(text), None]:
        start, end = at, cut.start() if cut else len(text)
        at = cut.end() if cut else end
        one = LINE if end - start > LONGEST else WHOLE
        for found in one.finditer(text, start, end):
            first, last = found.span()
            if last - first >= LEAST:
                yield first, last
