"""Probabilities and answers of a run, in lines for a terminal."""

from engine.contract.schema import Contract
from engine.registry.runs import RunRecord
from engine.training.decision.threshold import cost


def lines(contract: Contract, record: RunRecord) -> list[str]:
    """How probabilities were calibrated, which threshold answers, and what it does on test rows."""
    found = []
    if how := record.calibration:
        tried = ", ".join(f"{name} {value:.4f}" for name, value in how.brier.items())
        found.append(f"probabilities: calibration {how.method}: {how.reason} (Brier: {tried})")
    said = record.answers
    if said and said.threshold is not None:
        counts = ", ".join(
            f"{said.counts[name]} {name.replace('_', ' ')}s ({said.at_half[name]} at 0.5)"
            for name in ("true_positive", "false_positive", "false_negative")
        )
        found.append(
            f"answers: {contract.positive!r} from a probability of {said.threshold:.4g} on: "
            f"{said.reason}; on {record.rows['test']} test rows: {counts}"
        )
        if contract.costs:
            found[-1] += (
                f"; cost {cost(contract.costs, said.counts):g} "
                f"({cost(contract.costs, said.at_half):g} at 0.5)"
            )
    return found
