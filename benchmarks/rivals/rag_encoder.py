"""The encoder that every system of the benchmark of search is given.

    lsa:FOLDER        # fitted by our code; its folder holds terms.json, directions.npy, vectors.npy
    URL MODEL         # any OpenAI-compatible /embeddings: http://127.0.0.1:8001/v1 some-model
    drawn             # for the speed of a search alone: vectors by the hash of a text

LSA needs our code, so PYTHONPATH names the `src` of a render.
"""

import json
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BATCH = 64
DIMENSIONS = 384  # of drawn vectors, as small sentence encoders have them
Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def encoder(said: str) -> Encode:
    """Texts in, vectors [texts, dimensions] of unit length out."""
    kind, _, rest = said.partition(":")
    if kind == "lsa":
        return _lsa(Path(rest))
    if said == "drawn":
        return _drawn
    url, model = said.split()
    return _endpoint(f"{url.rstrip('/')}/embeddings", model)


def _lsa(folder: Path) -> Encode:
    from engine.retrieval import dense
    from engine.retrieval.words import Stemmer

    fitted = dense.lsa({path.name: path.read_bytes() for path in folder.iterdir()}, Stemmer())
    assert fitted, folder

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.stack([fitted.encode(text) for text in texts])
        rows[~rows.any(axis=1)] = 1e-6  # LangChain fails on a text without any known word
        return rows

    return encode


def _drawn(texts: Sequence[str]) -> NDArray[np.float32]:
    rows = [np.random.default_rng(zlib.crc32(t.encode())).normal(size=DIMENSIONS) for t in texts]
    return _unit(np.asarray(rows))


def _endpoint(url: str, model: str) -> Encode:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = list[list[float]]()
        for start in range(0, len(texts), BATCH):
            some = list(texts[start : start + BATCH])
            body = json.dumps({"model": model, "input": some, "encoding_format": "float"})
            head = {"Content-Type": "application/json"}
            asked = urllib.request.Request(url, body.encode(), head)
            with urllib.request.urlopen(asked, timeout=600) as reply:
                data = json.load(reply)["data"]
            rows += [each["embedding"] for each in sorted(data, key=lambda each: each["index"])]
        return _unit(np.asarray(rows))

    return encode


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
