"""Fits the encoder that needs no download: TF-IDF over the passages, cut to its main directions."""

import json
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from engine.retrieval import dense
from engine.retrieval.words import Stemmer

SEED = 7
MOST_TERMS = 60_000


class Counted(NamedTuple):
    """Which stems stand in which texts how often: an entry each, in the order of the texts."""

    names: list[str]
    """The stems in the order in which they come up; the entries have their numbers."""
    at: NDArray[np.int32]
    """The number of the text."""
    terms: NDArray[np.int32]
    times: NDArray[np.int32]


def fit(texts: Sequence[str], dimensions: int) -> dict[str, bytes]:
    """The files of the encoder, and the vectors of these texts; the same texts, the same bytes.

    Empty where the corpus has too few passages or words for any direction.
    """
    counted = _counted(texts)
    spread = dict(zip(counted.names, np.bincount(counted.terms).tolist(), strict=True))
    known = [term for term, many in spread.items() if many >= 2 or len(texts) < 1000]
    known = sorted(sorted(known, key=lambda term: (-spread[term], term))[:MOST_TERMS])
    size = min(dimensions, len(known) - 1, len(texts) - 1)
    if size < 2:
        return {}
    place = {term: number for number, term in enumerate(known)}
    idf = np.log((1 + len(texts)) / (1 + np.array([spread[term] for term in known]))) + 1
    column = np.array([place.get(name, -1) for name in counted.names])[counted.terms]
    is_known = column >= 0
    column, at, times = (each[is_known] for each in (column, counted.at, counted.times))
    logarithms = 1 + np.log(np.arange(1, counted.times.max() + 1))
    value = logarithms[times - 1] * idf[column]
    weights = sparse.csr_matrix((value, (at, column)), (len(texts), len(known)))
    with threadpool_limits(1):  # the order of sums is then always the same
        _, _, directions = randomized_svd(weights, size, n_iter=7, random_state=SEED)
        directions = np.ascontiguousarray(directions.T, np.float32)
        vectors = dense.unit(np.asarray(weights @ directions))
    return {
        dense.TERMS: json.dumps(dict(zip(known, idf.round(6).tolist(), strict=True))).encode(),
        dense.DIRECTIONS: dense.dumped(directions),
        dense.VECTORS: dense.dumped(vectors),
    }


def _counted(texts: Sequence[str]) -> Counted:
    """The stems of texts, in arrays: as Python's objects they took most of the memory of a fit."""
    stemmer, numbers = Stemmer(), dict[str, int]()
    many, terms, times = array("i"), array("i"), array("i")
    for text in texts:
        counts = Counter(stemmer.stems(text))
        many.append(len(counts))
        terms.extend([numbers.setdefault(stem, len(numbers)) for stem in counts])
        times.extend(counts.values())
    at = np.repeat(np.arange(len(texts), dtype=np.int32), np.asarray(many))
    return Counted([*numbers], at, np.asarray(terms), np.asarray(times))
