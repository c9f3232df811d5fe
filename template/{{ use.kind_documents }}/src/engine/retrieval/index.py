"""The index of a bundle: a question in, the passages that may answer it out."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.contract.schema import Retrieval
from engine.core.settings import Settings
from engine.retrieval import dense, nearest
from engine.retrieval.dense import VECTORS, Vectors
from engine.retrieval.lexical import Lexical, Passage
from engine.retrieval.nearest import Near, Nearest
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
    """Searches by words, and by vectors where the bundle has some.

    Without `settings` no vector store is asked: vectors are searched in memory.
    """

    def __init__(
        self, files: Mapping[str, bytes], retrieval: Retrieval, settings: Settings | None = None
    ) -> None:
        self.lexical = Lexical(files[INDEX])
        self.stemmer = Stemmer()
        self.retrieval = retrieval
        self.nearest: Nearest | None = None
        if VECTORS in files:
            self.nearest = nearest.opened(dense.loaded(files[VECTORS]), settings)
        self._lsa = dense.lsa(files, self.stemmer)
        self._idf: dict[str, float] = {}

    @property
    def is_hybrid(self) -> bool:
        """Whether vectors are searched beside words."""
        return self.nearest is not None

    @property
    def asks_store(self) -> bool:
        """Whether the nearest passages come from another process."""
        return self.nearest is not None and self.nearest.waits

    @property
    def asks_encoder(self) -> bool:
        """Whether the vector of a question comes from an endpoint."""
        return self.nearest is not None and self._lsa is None

    def encoded(self, question: str, vector: Vectors | None = None) -> Vectors | None:
        """The vector to search by: of the bundle's own encoder, or the one from the endpoint."""
        return self._lsa.encode(question) if self._lsa else vector

    def near(self, question: str, vector: Vectors | None = None) -> Near | None:
        """The nearest passages; None where there is no vector to search by.

        Raises NearestError where a vector store gives none.
        """
        own = self.encoded(question, vector) if self.nearest else None
        if self.nearest is None or own is None:
            return None
        return self.nearest.search(own, self.retrieval.pool)

    def search(
        self,
        question: str,
        limit: int = 0,
        vector: Vectors | None = None,
        near: Near | None = None,
    ) -> Found:
        """The best passages, at most `limit`; 0: as many as an answer may rest on.

        It never waits: without a vector from the endpoint, or what is `near` in a vector store,
        where one is needed, words alone are searched.
        """
        by_words = self.lexical.search(question, self.retrieval.pool, self.stemmer)
        if near is None and not self.asks_store:
            near = self.near(question, vector)
        ranks = [[row for row, _ in each] for each in (by_words, near or [])]
        best = fused(ranks, self.retrieval.rrf)[: limit or self.retrieval.passages]
        return Found(
            self.lexical.passages(best),
            by_words[0][1] if by_words else 0.0,
            None if near is None else near[0][1] if near else 0.0,
        )

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
