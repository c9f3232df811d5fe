"""What moved a prediction: one definition for servers, batches and the app in the browser.

Each feature in turn is set to its typical value, and the model is asked again. The difference is
what this feature's own value did, all else as it is.

Removal of one feature at a time by a default value, as in Covert, Lundberg and Lee, "Explaining by
Removing", Journal of Machine Learning Research 22 (2021). It tells what moves the model, not what
causes the outcome, and features that only act together are not told apart.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.contract.schema import PARTS, Contract
from engine.features.encode import Encoder
from engine.registry.bundle import Bundle

PROBES = 8192  # rows that the model is asked at a time; more of them only take memory
Scores = NDArray[np.floating[Any]]
Score = Callable[[tuple[NDArray[Any], NDArray[Any]]], Scores]


class Explainer:
    """Explains the predictions of one bundle, over rows as its model takes them.

    `names` are the features that have a typical value, in the order of the contract; personal ones
    have none. A model that takes something else than texts for categories gives `coded`.
    """

    def __init__(self, bundle: Bundle, coded: Callable[[str, str], Any] | None = None) -> None:
        contract, self.typical = bundle.contract, bundle.manifest.typical
        self._contract, encoder = contract, Encoder(contract)
        self.names = [
            name
            for name in contract.features
            if name in self.typical and name not in contract.personal
        ]
        row = [_decoded(self.typical.get(name), contract, name) for name in encoder.order]
        self._numbers, texts = encoder.rows([row])
        self._categories = texts
        if coded:
            codes = [coded(n, t) for n, t in zip(contract.categories, texts[0], strict=True)]
            self._categories = np.array([codes])
        places = {name: [at] for at, name in enumerate(encoder.plain)}
        for at, name in enumerate(encoder.datetimes):
            first = len(encoder.plain) + len(PARTS) * at
            places[name] = [*range(first, first + len(PARTS))]
        texts_at = {name: at for at, name in enumerate(encoder.categories)}
        self._places = [(places.get(name, []), texts_at.get(name)) for name in self.names]

    def changes(
        self,
        score: Score,
        inputs: tuple[NDArray[Any], NDArray[Any]],
        scores: Scores,
        explained: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """What each value did to the score at the place `explained` [rows]: float64 [rows, names].

        NaN where a value is the typical one already: nothing is asked there. `scores` [rows, n] are
        those of `inputs`, which `score` gives.
        """
        found = np.full((len(scores), len(self.names)), np.nan)
        asked: list[tuple[int, NDArray[np.intp]]] = []
        for at in range(len(self.names)):
            rows = np.flatnonzero(self._differs(at, inputs))
            if len(rows):
                asked.append((at, rows))
            waiting = sum(len(rows) for _, rows in asked)
            if asked and (waiting >= PROBES or at == len(self.names) - 1):
                self._ask(score, inputs, scores, explained, asked, found)
                asked = []
        return found

    def _ask(
        self,
        score: Score,
        inputs: tuple[NDArray[Any], NDArray[Any]],
        scores: Scores,
        explained: NDArray[np.intp],
        asked: list[tuple[int, NDArray[np.intp]]],
        found: NDArray[np.float64],
    ) -> None:
        whole = np.concatenate([rows for _, rows in asked])
        numbers, categories = inputs[0][whole], inputs[1][whole]  # copies
        ends = np.cumsum([len(rows) for _, rows in asked])
        for (at, rows), end in zip(asked, ends, strict=True):
            part = slice(end - len(rows), end)
            places, text = self._places[at]
            numbers[part, places] = self._numbers[:, places]
            if text is not None:
                categories[part, text] = self._categories[0, text]
        others = score((numbers, categories))
        picked = explained[whole]
        gaps = scores[whole, picked].astype(np.float64) - others[np.arange(len(whole)), picked]
        for (at, rows), end in zip(asked, ends, strict=True):
            found[rows, at] = gaps[end - len(rows) : end]

    def _differs(self, at: int, inputs: tuple[NDArray[Any], NDArray[Any]]) -> NDArray[np.bool_]:
        """Which rows hold another value than the typical one, as the model sees it."""
        places, text = self._places[at]
        if text is not None:
            return np.asarray(inputs[1][:, text] != self._categories[0, text], dtype=np.bool_)
        values, usual = inputs[0][:, places], self._numbers[:, places]
        both_missing = np.isnan(values) & np.isnan(usual)
        return np.asarray(((values != usual) & ~both_missing).any(axis=1), dtype=np.bool_)

    def explained(self, decided: NDArray[np.intp] | None, rows: int) -> NDArray[np.intp]:
        """The score that is explained: of the class that is asked about, else of the answer."""
        contract = self._contract
        if contract.positive is not None:
            return np.full(rows, contract.classes.index(contract.positive))
        return np.zeros(rows, dtype=np.intp) if decided is None else decided


def _decoded(value: Any, contract: Contract, name: str) -> Any:
    """A typical value as the encoder takes it."""
    if value is None or contract.features[name].type != "datetime":
        return value
    return msgspec.convert(value, datetime)
