"""What was measured, held against what the contract asks."""

import math
import time
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from engine.contract.schema import Contract
from engine.registry.predictor import Predictor
from engine.registry.runs import Gap, Gate, Group, Verdict
from engine.training.export import Parity
from engine.training.gates.groups import REST, Compared
from engine.training.metrics import higher_is_better

OVER_REFERENCE = "over linear reference"
LINEAR = "python3 run.py template update -d model=linear"
CALLS = 300  # of one row each, to measure latency
EXAMPLE = {True: 0.1, False: 0.05}  # a limit of a gap, for shares of rows and for errors
KIND = {"true positive rate": "positive", "false positive rate": "negative"}


def check(
    contract: Contract,
    *,
    model: dict[str, float],
    baseline: dict[str, float],
    reference: dict[str, float],
    champion: dict[str, float] | None,
    champion_note: str,
    slices: Compared,
    fairness: dict[str, Compared],
    parity: Parity,
    p99_ms: float,
    few: str = "",
) -> list[Gate]:
    """Hold what was measured against what the contract asks.

    `few` says which class has too few test rows for the metric; nothing is passed on those.
    """
    limits, name = contract.gates, contract.gates.metric
    sign = 1 if higher_is_better(contract) else -1
    value, example = model[name], EXAMPLE[bool(contract.classes)]
    found = [
        _floor(name, value, baseline[name], reference.get(name), limits.floor, sign),
        _margin("over baseline", value, baseline[name], limits.baseline_margin, sign),
        _over_reference(value, reference.get(name), limits.reference_margin, sign),
    ]
    if champion is None:
        asked = f">= {limits.champion_margin:g}"
        found.append(Gate("over champion", None, asked, "not measured", champion_note))
    else:
        found.append(_margin("over champion", value, champion[name], limits.champion_margin, sign))
    found = [_with_few(gate, few) for gate in found]
    found.append(_gap("slice gap", slices, limits.slice_gap, "slice_gap", example))
    for column, compared in fairness.items():
        title, limit = f"fairness gap: {column}", limits.fairness_gap
        found.append(_gap(title, compared, limit, "fairness_gap", example))
    over = f"of {parity.rows} rows, with gaps and unseen values"
    return [
        *found,
        at_most("parity: largest difference", parity.max_difference, limits.parity_tolerance),
        at_most("parity: rows over it", float(parity.rows_over), limits.parity_rows, over),
        at_most("latency p99 in ms", p99_ms, limits.p99_ms, "one row, without HTTP"),
    ]


def at_most(name: str, value: float, limit: float, note: str = "") -> Gate:
    """A gate that a value keeps when it is not above its limit."""
    return Gate(name, value, f"<= {limit:g}", _kept(value <= limit), note)


def latency(predictor: Predictor, rows: list[tuple[Any, ...]], calls: int = CALLS) -> float:
    """The 99th percentile in milliseconds of scoring one decoded row."""
    durations = []
    for call in range(calls):
        row = rows[call % len(rows)]
        start = time.perf_counter()
        predictor.score([row])
        durations.append(time.perf_counter() - start)
    return float(np.quantile(durations, 0.99)) * 1000


def _kept(kept: bool) -> Verdict:
    return "passed" if kept else "failed"


def _floor(
    metric: str,
    value: float,
    baseline: float,
    linear: float | None,
    floor: float | None,
    sign: int,
) -> Gate:
    """The metric against its floor; an example of one is what was reached, or the baseline.

    Where the linear reference keeps a floor that the model fails, as trees do beyond the years that
    they saw, that is the way out.
    """
    name = f"{metric} floor"
    if floor is None:
        best = value if sign * (value - baseline) > 0 else baseline
        step = 10.0 ** (math.floor(math.log10(abs(best))) - 1) if best else 0.01
        example = sign * math.floor(sign * best / step) * step  # two digits, on the worse side
        return Gate(name, value, "", "not decided", line=f"floor = {example:.6g}")
    limit = f"{'>=' if sign > 0 else '<='} {floor:g}"
    if sign * (value - floor) >= 0:
        return Gate(name, value, limit, "passed")
    is_way_out = linear is not None and sign * (linear - floor) >= 0
    note = f"the linear reference keeps it with {linear:.4g}: {LINEAR}" if is_way_out else ""
    return Gate(name, value, limit, "failed", note)


def _margin(name: str, value: float, other: float, margin: float, sign: int) -> Gate:
    gain = sign * (value - other)
    return Gate(name, gain, f">= {margin:g}", _kept(gain >= margin), f"it has {other:.4g}")


def _over_reference(value: float, other: float | None, margin: float | None, sign: int) -> Gate:
    """What the model gains over a plain linear one."""
    if other is None:
        return Gate(OVER_REFERENCE, None, "", "not measured", "the model is linear itself")
    gain, note = sign * (value - other), f"it has {other:.4g}"
    if gain <= 0:
        note += f", no worse than this model on these rows; to use it: {LINEAR}"
    if margin is None:
        line = "reference_margin = 0.01"
        return Gate(OVER_REFERENCE, gain, "", "not decided", note, line=line)
    return Gate(OVER_REFERENCE, gain, f">= {margin:g}", _kept(gain >= margin), note)


def _with_few(gate: Gate, few: str) -> Gate:
    """Nothing is passed on a handful of rows."""
    if not few or gate.value is None:
        return gate
    verdict: Verdict = "cannot tell" if gate.verdict == "passed" else gate.verdict
    note = "; ".join(filter(None, [gate.note, few]))
    return msgspec.structs.replace(gate, verdict=verdict, note=note)


def _gap(title: str, compared: Compared, limit: float | None, setting: str, example: float) -> Gate:
    """The verdict over all gaps, shown by the one that decides it.

    It fails when one of them is over the limit with all its interval, for the intervals hold
    together; a gap whose interval spans the limit leaves the question open.
    """
    small = _small(group for group in compared.groups if group.value is None)
    asked, line = ("", f"{setting} = {example}") if limit is None else (f"<= {limit:g}", "")
    if not compared.gaps:
        why = "no two groups are large enough" if small else "there are no two groups to compare"
        note = "; ".join([why, *small])
        return Gate(title, None, asked, "not measured", note)
    surest = max(compared.gaps, key=lambda gap: (gap.low, gap.value))
    widest = max(compared.gaps, key=lambda gap: (gap.high, gap.value))
    verdict: Verdict = "passed"
    if limit is None:
        verdict, gap = "not decided", max(compared.gaps, key=lambda gap: (gap.value, gap.low))
    elif surest.low > limit:
        verdict, gap = "failed", surest
    else:
        verdict, gap = "cannot tell" if widest.high > limit else "passed", widest
    note = "; ".join([_told(gap), *small])
    return Gate(title, gap.value, asked, verdict, note, (gap.low, gap.high), line)


def _told(gap: Gap) -> str:
    worse, better = gap.worse, gap.better
    other = REST if better.name == REST else f"{better.name!r}"
    return (
        f"{worse.measure} of {worse.column} = {worse.name!r}: {_counted(worse)}, "
        f"{other}: {_counted(better)}"
    )


def _counted(group: Group) -> str:
    return f"{group.value:.3g} of {_rows(group)}"


def _small(groups: Iterable[Group]) -> list[str]:
    named = [f"{group.name} ({_rows(group)})" for group in groups]
    return [f"too small to judge: {', '.join(named)}"] if named else []


def _rows(group: Group) -> str:
    kind = KIND.get(group.measure, "row")
    return f"{group.rows} {kind}{'' if group.rows == 1 else 's'}"
