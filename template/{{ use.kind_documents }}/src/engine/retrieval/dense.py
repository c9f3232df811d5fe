"""Vectors of passages and questions: exact search, and an encoder that needs no download.

Latent semantic analysis (Deerwester et al. 1990): TF-IDF over the corpus, cut down to its strongest
directions. It is fitted where the index is built (evaluation/searching/lsa.py); here is what a
question needs.
"""

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine.retrieval.words import Stemmer

VECTORS, TERMS, DIRECTIONS = "vectors.npy", "terms.json", "directions.npy"
Vectors = NDArray[np.float32]


class Exact:
    """All passages as rows of unit length: the nearest are found by looking at each.

    From then on a product of this process has one thread. Several wait for the slowest of them,
    which on a busy machine took most searches longer, and some ten times as long; and where they
    share the rows out, sums differ in their last bit from one number of cores to another.
    """

    waits = False

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        threadpool_limits(1, user_api="blas")

    def fill(self) -> None:
        """They are here already."""

    def compared(self, asked: Sequence[Vectors], limit: int) -> dict[str, float]:
        """Nothing is lost where each is looked at, and nothing is measured."""
        del asked, limit
        return {}

    def search(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """Passages with their cosine, the nearest first; a question without a vector finds none."""
        if not vector.any():
            return []
        near = self.vectors @ vector
        limit = min(limit, len(near))
        best = np.argpartition(-near, limit - 1)[:limit]
        best = best[np.lexsort((best, -near[best]))]
        return [(int(row) + 1, float(near[row])) for row in best]


class Lsa:
    """Encodes a text by the stems that the corpus knows."""

    def __init__(self, terms: Mapping[str, float], directions: Vectors, stemmer: Stemmer) -> None:
        self._places = {term: place for place, term in enumerate(terms)}
        self._idf = np.fromiter(terms.values(), np.float32, len(terms))
        self._directions, self._stemmer = directions, stemmer

    def encode(self, text: str) -> Vectors:
        """A vector of unit length; zeros where no word is known."""
        counts = Counter(t for t in self._stemmer.stems(text) if t in self._places)
        if not counts:
            return np.zeros(self._directions.shape[1], np.float32)
        places = np.fromiter((self._places[term] for term in counts), np.intp, len(counts))
        weights = 1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))
        return unit((weights * self._idf[places]) @ self._directions[places])


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows of length one; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1), np.float32)


def dumped(array: NDArray[Any]) -> bytes:
    """An array as the bytes of a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def loaded(content: bytes) -> Vectors:
    """The array of a .npy file."""
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))


def lsa(files: Mapping[str, bytes], stemmer: Stemmer) -> Lsa | None:
    """The encoder of a bundle, if it has one of its own."""
    if DIRECTIONS not in files:
        return None
    return Lsa(json.loads(files[TERMS]), loaded(files[DIRECTIONS]), stemmer)
