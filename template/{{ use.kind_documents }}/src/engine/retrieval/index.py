"""The index of a bundle: a question in, the passages that may answer it out."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.contract.schema import Retrieval
from engine.retrieval import dense
from engine.retrieval.dense import VECTORS, Exact, Vectors
from engine.retrieval.lexical import Lexical, Passage
from engine.retrieval.words import Stemmer

INDEX = "index.sqlite"  # the name it has in a bundle


class Found(NamedTuple):
    """Passages, the best first, and how sure the search is of the first."""

    passages: list[Passage]
    bm25: float
    """Of the best passage by words; 0 where no word was found."""
    cosine: float | None
    """Of the nearest passage; None where no vectors were searched."""


class Index:
    """Searches by words, and by vectors where the bundle has some."""

    def __init__(self, files: Mapping[str, bytes], retrieval: Retrieval) -> None:
        self.lexical = Lexical(files[INDEX])
        self.stemmer = Stemmer()
        self._retrieval = retrieval
        self._exact = Exact(dense.loaded(files[VECTORS])) if VECTORS in files else None
        self._lsa = dense.lsa(files, self.stemmer)
        self._idf: dict[str, float] = {}

    @property
    def is_hybrid(self) -> bool:
        """Whether vectors are searched beside words."""
        return self._exact is not None

    @property
    def asks_encoder(self) -> bool:
        """Whether the vector of a question comes from an endpoint."""
        return self._exact is not None and self._lsa is None

    def search(self, question: str, limit: int = 0, vector: Vectors | None = None) -> Found:
        """The best passages, at most `limit`; 0: as many as an answer may rest on.

        Without a vector from the endpoint, where one is needed, words alone are searched.
        """
        pool = self._retrieval.pool
        by_words = self.lexical.search(question, pool, self.stemmer)
        near: list[tuple[int, float]] | None = None
        if self._exact is not None:
            own = self._lsa.encode(question) if self._lsa else vector
            near = None if own is None else self._exact.search(own, pool)
        ranks = [[row for row, _ in each] for each in (by_words, near or [])]
        best = fused(ranks, self._retrieval.rrf)[: limit or self._retrieval.passages]
        return Found(
            self.lexical.passages(best),
            by_words[0][1] if by_words else 0.0,
            None if near is None else near[0][1] if near else 0.0,
        )

    def vector(self, question: str) -> Vectors | None:
        """The vector of a question, where this index makes it itself."""
        return self._lsa.encode(question) if self._lsa else None

    def idf(self, stem: str) -> float:
        """How much a stem tells: the fewer passages hold it, the more (BM25's weight)."""
        found = self._idf.get(stem)
        if found is None:
            count, many = self.lexical.frequency(stem), self.lexical.count
            found = math.log(1 + (many - count + 0.5) / (count + 0.5))
            if len(self._idf) > 100_000:  # questions may hold anything
                self._idf.clear()
            self._idf[stem] = found
        return found

    def close(self) -> None:
        """Give the memory back."""
        self.lexical.close()


def fused(ranks: Sequence[Sequence[int]], constant: int) -> list[int]:
    """Reciprocal rank fusion: what stands high in several lists stands first; ties by number."""
    scores: dict[int, float] = {}
    for rank in ranks:
        for place, row in enumerate(rank, 1):
            scores[row] = scores.get(row, 0.0) + 1 / (constant + place)
    return sorted(scores, key=lambda row: (-scores[row], row))
