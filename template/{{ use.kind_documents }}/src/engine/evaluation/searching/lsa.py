"""Fits the encoder that needs no download: TF-IDF over the passages, cut to its main directions."""

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from engine.retrieval import dense
from engine.retrieval.words import Stemmer

SEED = 7
MOST_TERMS = 60_000


def fit(texts: Sequence[str], dimensions: int) -> dict[str, bytes]:
    """The files of the encoder, and the vectors of these texts; the same texts, the same bytes.

    Empty where the corpus has too few passages or words for any direction.
    """
    stemmer = Stemmer()
    counts = [Counter(stemmer.stems(text)) for text in texts]
    spread = Counter(term for each in counts for term in each)
    known = [term for term, many in spread.items() if many >= 2 or len(texts) < 1000]
    known = sorted(sorted(known, key=lambda term: (-spread[term], term))[:MOST_TERMS])
    size = min(dimensions, len(known) - 1, len(texts) - 1)
    if size < 2:
        return {}
    place = {term: number for number, term in enumerate(known)}
    idf = np.log((1 + len(texts)) / (1 + np.array([spread[term] for term in known]))) + 1
    rows = [
        (row, place[t], 1 + np.log(n))
        for row, c in enumerate(counts)
        for t, n in c.items()
        if t in place
    ]
    at, column, value = (np.array(each) for each in zip(*rows, strict=True))
    weights = sparse.csr_matrix((value * idf[column], (at, column)), (len(texts), len(known)))
    with threadpool_limits(1):  # the order of sums is then always the same
        _, _, directions = randomized_svd(weights, size, n_iter=7, random_state=SEED)
        directions = np.ascontiguousarray(directions.T, np.float32)
        vectors = dense.unit(np.asarray(weights @ directions))
    return {
        dense.TERMS: json.dumps(dict(zip(known, idf.round(6).tolist(), strict=True))).encode(),
        dense.DIRECTIONS: dense.dumped(directions),
        dense.VECTORS: dense.dumped(vectors),
    }
