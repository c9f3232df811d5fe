"""A bundle that answers: the only way any serving option reaches the model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from engine.contract import decision
from engine.core.errors import BundleError
from engine.features.encode import Encoder, Inputs
from engine.registry.bundle import Bundle

Scores = NDArray[np.float64]


class Predictor:
    """Scores rows with the bundle's model, or with its declared fallback."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        self.bundle, self.contract = bundle, bundle.contract
        self.encode = Encoder(bundle.contract)
        self.classes = bundle.contract.classes
        self._session = open_session(bundle.model, threads)
        self._inputs = [item.name for item in self._session.get_inputs()]
        self._output = [self._session.get_outputs()[-1].name]

    def score(self, rows: Sequence[Sequence[Any]]) -> Scores:
        """Score rows whose values stand in the order of `encode.order`; None is missing.

        Returns [rows, classes] probabilities, or [rows, 1] values for a regression.
        """
        return self.score_inputs(self.encode.rows(rows))

    def score_inputs(self, inputs: Inputs) -> Scores:
        """Score encoded rows, as batches and training hold them."""
        feed = {
            name: array
            for name, array in zip(("numbers", "categories"), inputs, strict=True)
            if name in self._inputs
        }
        scores: Scores = self._session.run(self._output, feed)[0]
        return scores

    def fallback(self, count: int) -> Scores:
        """The declared answer for `count` rows when the model cannot give one."""
        return np.tile(np.array(self.bundle.manifest.fallback), (count, 1))

    def decide(self, scores: Scores) -> NDArray[np.intp]:
        """The position of the class that each row is answered with."""
        return decision.decide(self.contract, scores)

    def answers(self, scores: Scores) -> list[dict[str, Any]]:
        """Scores as a caller reads them: a label with its probabilities, or a value."""
        if not self.classes:
            return [{"value": value} for value in scores[:, 0].tolist()]
        best = self.decide(scores).tolist()
        return [
            {"label": self.classes[b], "probabilities": dict(zip(self.classes, row, strict=True))}
            for b, row in zip(best, scores.tolist(), strict=True)
        ]


def open_session(model: bytes, threads: int = 1) -> ort.InferenceSession:
    """Open an ONNX model on the CPU; single rows are fastest on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise BundleError(f"the model cannot be opened: {error}") from None
