"""After the fit, on validation rows: are its probabilities true, and from which on is it a yes?"""

from dataclasses import dataclass

from sklearn.pipeline import Pipeline

from engine.contract.schema import Contract
from engine.registry.runs import Calibration
from engine.training import pipeline
from engine.training.decision import calibration, threshold
from engine.training.pipeline import Part

MOST_ROWS = 100_000  # a few parameters and a threshold: more rows do not move them


@dataclass(frozen=True)
class Settled:
    """What answers: the pipeline with calibrated probabilities, the contract with its threshold."""

    pipeline: Pipeline
    contract: Contract
    calibration: Calibration | None = None
    reason: str = ""
    """How the threshold came about."""


def settle(contract: Contract, fitted: Pipeline, validation: Part, seed: int) -> Settled:
    """Calibrate a classifier where that pays, and choose its threshold; test rows take no part."""
    if not contract.classes:
        return Settled(fitted, contract)
    step = -(-len(validation.target) // MOST_ROWS)
    (numbers, categories), target = validation.inputs, validation.target[::step]
    shares = pipeline.scores(fitted, (numbers[::step], categories[::step]))
    fitted, held_out, record = calibration.calibrate(fitted, shares, target, seed)
    at, reason = threshold.choose(contract, held_out, target)
    return Settled(fitted, contract.decided(at), record, reason)
