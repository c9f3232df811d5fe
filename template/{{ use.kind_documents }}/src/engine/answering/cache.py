"""What a language model said before, for a question that is asked again.

Only what costs something is kept: the claims of a language model, whose citations held; a refusal
for a shorter time; no fallback. A claim that is found again goes the way of a new one: its
citations are checked, and `decide` has the last word. Another version of the index begins anew, so
documents, prompt and contract are those of the claim.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from typing import NamedTuple

from engine.answering.grounds import NUMBER, Claim
from engine.corpus.screen import personal
from engine.retrieval.dense import Vectors
from engine.retrieval.index import Found
from engine.retrieval.lexical import Passage


class Kept(NamedTuple):
    """A claim with what has to be the same for another question to get it."""

    claim: Claim
    shown: tuple[Passage, ...]
    until: float
    vector: Vectors | None
    numbers: frozenset[str]


class Cache:
    """Claims of one version, the one used longest ago going first; any thread may use it.

    With `cosine` below 1 a question that is worded otherwise gets a claim too, if its vector is as
    near as that, it names the same numbers and finds the same passage first. With `hashed` no word
    of a question is kept, nor its vector, so only the same question finds its claim.
    """

    def __init__(
        self, most: int, *, seconds: float, refused_seconds: float, cosine: float, hashed: bool
    ) -> None:
        self._most, self._seconds, self._refused_seconds = most, seconds, refused_seconds
        self._cosine, self._hashed = cosine, hashed
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(
        self, question: str, vector: Vectors | None, found: Found
    ) -> tuple[Claim, tuple[Passage, ...]] | None:
        """What was claimed, and the passages that it was claimed from."""
        now = time.monotonic()
        with self._lock:
            for key in [key for key, kept in self._kept.items() if kept.until <= now]:
                del self._kept[key]
            name = self._name(question)
            if name not in self._kept:
                name = self._alike(question, vector, found.passages)
            if name not in self._kept:
                return None
            self._kept.move_to_end(name)
            return self._kept[name].claim, self._kept[name].shown

    def keep(
        self, question: str, vector: Vectors | None, claim: Claim, shown: tuple[Passage, ...]
    ) -> None:
        """Keep a claim that held; not for a question with personal data."""
        if any(personal(question)):
            return
        seconds = self._refused_seconds if claim.refused else self._seconds
        alike = None if self._hashed or claim.refused else vector
        numbers = frozenset() if self._hashed else frozenset(NUMBER.findall(question))
        kept = Kept(claim, shown, time.monotonic() + seconds, alike, numbers)
        with self._lock:
            self._kept[self._name(question)] = kept
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def _alike(self, question: str, vector: Vectors | None, passages: list[Passage]) -> str:
        """The name of the nearest claim that may stand for a question's, or none."""
        if self._cosine >= 1 or self._hashed or vector is None or not passages:
            return ""
        numbers, best, most = frozenset(NUMBER.findall(question)), "", self._cosine
        for name, kept in self._kept.items():
            if kept.vector is None or kept.numbers != numbers or kept.shown[0] != passages[0]:
                continue
            near = float(kept.vector @ vector)
            if near >= most:
                best, most = name, near
        return best

    def _name(self, question: str) -> str:
        """A question whatever its case, white space and last mark."""
        name = " ".join(question.casefold().split()).rstrip(" ?.!")
        return hashlib.sha256(name.encode()).hexdigest() if self._hashed else name
