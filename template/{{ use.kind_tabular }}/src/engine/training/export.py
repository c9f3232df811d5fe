"""The fitted pipeline as `model.onnx`, and the proof that both say the same."""

from dataclasses import dataclass

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline, make_pipeline

from engine.contract.schema import Contract
from engine.features.derive import Derived
from engine.features.encode import Inputs
from engine.registry.predictor import Predictor
from engine.training import pipeline as pipelines
from engine.training.decision.calibration import Calibrated

UNSEEN = "\N{SNOWMAN} never seen"
PARITY_ROWS = 20_000
OPSET = {"": 21, "ai.onnx.ml": 3}  # what onnxruntime, its browser build and older servers all take


@dataclass(frozen=True)
class Parity:
    """How far the exported model is from the fitted one."""

    rows: int
    max_difference: float
    rows_over: int


def to_onnx(pipeline: Pipeline, contract: Contract) -> bytes:
    """Export derived features, preprocessing, model and calibration as one graph: scores come last.

    Inputs: `numbers` float32 [rows, n] with NaN for missing, `categories` text [rows, m] with "".
    """
    own = pipeline[0] if isinstance(pipeline[0], Derived) else None
    mapped = pipeline[-1] if isinstance(pipeline[-1], Calibrated) else None
    if own:
        pipeline = pipeline[1:]
    if mapped:
        pipeline = make_pipeline(*pipeline[:-1], mapped.estimator)
    width = len(contract.numbers) + (len(own.names) if own else 0)
    inputs = [
        ("numbers", FloatTensorType([None, width])),
        ("categories", StringTensorType([None, len(contract.categories)])),
    ]
    exported = convert_sklearn(
        pipeline,
        name="model",
        initial_types=[item for item in inputs if item[1].shape[1]],
        options={id(pipeline): {"zipmap": False}} if contract.classes else None,
        target_opset=OPSET,
    )
    exported.opset_import.sort(key=lambda item: item.domain)  # its order comes from a set
    content: bytes = exported.SerializeToString(deterministic=True)
    if mapped:
        content = mapped.behind(content)
    return own.before(content) if own else content


def parity(
    predictor: Predictor, pipeline: Pipeline, inputs: Inputs, tolerance: float, scale: float
) -> Parity:
    """Compare exported and fitted model on rows as they come, with gaps, and with unseen values.

    Differences are divided by `scale`: 1 for probabilities, the target's spread for values. Of more
    than PARITY_ROWS rows, as many are picked at random.
    """
    picked = np.sort(np.random.default_rng(0).permutation(len(inputs[0]))[:PARITY_ROWS])
    probes = disturbed((inputs[0][picked], inputs[1][picked]))
    difference = np.abs(predictor.score_inputs(probes) - pipelines.scores(pipeline, probes)) / scale
    worst = difference.max(axis=1)
    return Parity(len(worst), float(worst.max()), int((worst > tolerance).sum()))


def disturbed(inputs: Inputs, seed: int = 0) -> Inputs:
    """The rows, then a copy with a tenth of all values missing, then one with unseen values."""
    numbers, categories = inputs
    random = np.random.default_rng(seed)
    gaps, blanks, unseen = numbers.copy(), categories.copy(), categories.copy()
    gaps[random.random(gaps.shape) < 0.1] = np.nan
    blanks[random.random(blanks.shape) < 0.1] = ""
    unseen[random.random(unseen.shape) < 0.1] = UNSEEN
    return np.vstack([numbers, gaps, numbers]), np.vstack([categories, blanks, unseen])
