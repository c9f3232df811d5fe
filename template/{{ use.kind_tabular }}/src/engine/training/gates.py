"""What was measured, held against what the contract asks."""

import time
from typing import Any

import numpy as np

from engine.contract.schema import Contract
from engine.registry.predictor import Predictor
from engine.registry.runs import Gate
from engine.training.export import Parity
from engine.training.metrics import FINITE, higher_is_better


def check(
    contract: Contract,
    *,
    model: dict[str, float],
    baseline: dict[str, float],
    champion: dict[str, float] | None,
    champion_note: str,
    slices: list[dict[str, Any]],
    fairness: dict[str, float | None],
    parity: Parity,
    p99_ms: float,
) -> list[Gate]:
    """Hold what was measured against what the contract asks."""
    limits, name = contract.gates, contract.gates.metric
    sign = 1 if higher_is_better(contract) else -1
    value = model[name]
    found = [
        Gate(
            f"{name} floor",
            value,
            f"{'>=' if sign > 0 else '<='} {limits.floor:g}",
            sign * (value - limits.floor) >= 0,
        ),
        _margin("over baseline", value, baseline[name], limits.baseline_margin, sign),
    ]
    if champion is None:
        found.append(Gate("over champion", None, "no limit", True, champion_note))
    else:
        found.append(_margin("over champion", value, champion[name], limits.champion_margin, sign))
    gap, note = _slice_gap(contract, slices)
    found.append(_at_most("slice gap", gap, limits.slice_gap, note))
    for column, value_or_none in fairness.items():
        note = "" if value_or_none is not None else f"no two groups of {limits.slice_rows} rows"
        found.append(_at_most(f"fairness gap: {column}", value_or_none, limits.fairness_gap, note))
    found.append(
        _at_most("parity: largest difference", parity.max_difference, limits.parity_tolerance)
    )
    over = f"of {parity.rows} rows, with gaps and unseen values"
    found.append(
        _at_most("parity: rows over it", float(parity.rows_over), limits.parity_rows, over)
    )
    found.append(_at_most("latency p99 in ms", p99_ms, limits.p99_ms, "one row, without HTTP"))
    return found


def latency(predictor: Predictor, rows: list[tuple[Any, ...]], calls: int = 300) -> float:
    """The 99th percentile in milliseconds of scoring one decoded row."""
    durations = []
    for call in range(calls):
        row = rows[call % len(rows)]
        start = time.perf_counter()
        predictor.score([row])
        durations.append(time.perf_counter() - start)
    return float(np.quantile(durations, 0.99)) * 1000


def table(found: list[Gate]) -> str:
    """The gates as text: name, value, limit, verdict."""
    lines = [f"{'gate':<32} {'value':>10}   {'limit':<12} verdict"]
    for gate in found:
        value = "-" if gate.value is None else f"{gate.value:.4g}"
        verdict = (
            ("passed" if gate.value is not None else "not measured") if gate.passed else "FAILED"
        )
        note = f"  ({gate.note})" if gate.note else ""
        lines.append(f"{gate.name:<32} {value:>10}   {gate.limit:<12} {verdict}{note}")
    return "\n".join(lines)


def _slice_gap(contract: Contract, found: list[dict[str, Any]]) -> tuple[float | None, str]:
    if not found:
        return None, f"no group of {contract.gates.slice_rows} rows"
    rows = np.array([entry["rows"] for entry in found])
    quality = np.array([entry["quality"] for entry in found])
    overall = float((rows * quality).sum() / rows.sum())
    loss = overall - quality if contract.classes else (quality - overall) / (overall + FINITE)
    worst = int(loss.argmax())
    entry = found[worst]
    return float(loss[worst]), f"worst: {entry['column']} = {entry['group']}, {entry['rows']} rows"


def _margin(name: str, value: float, other: float, margin: float, sign: int) -> Gate:
    gain = sign * (value - other)
    return Gate(name, gain, f">= {margin:g}", gain >= margin, f"it has {other:.4g}")


def _at_most(name: str, value: float | None, limit: float, note: str = "") -> Gate:
    return Gate(name, value, f"<= {limit:g}", value is None or value <= limit, note)
