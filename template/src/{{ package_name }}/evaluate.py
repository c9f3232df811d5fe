"""How good a model is, for whom, and whether that is good enough."""

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk

from . import contract as contracts
from . import data, registry, settings
from .contract import Contract
from .convert import Parity
from .errors import GateFailed
from .predictor import Predictor
from .runs import Gate
from .storage import Storage

FINITE = 1e-12  # keeps a quotient finite when an error is zero


def metrics(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> dict[str, float]:
    """Every metric of the task.

    `target` holds class positions or values [rows]; `scores` is [rows, classes] or [rows, 1].
    A metric that the rows leave undefined (one class only) is NaN.
    """
    if not contract.classes:
        value = scores[:, 0]
        return {
            "r2": float(sk.r2_score(target, value)) if len(target) > 1 else float("nan"),
            "mae": float(sk.mean_absolute_error(target, value)),
            "rmse": float(sk.root_mean_squared_error(target, value)),
        }
    labels = np.arange(len(contract.classes))
    guess = scores.argmax(axis=1)
    return {
        "roc_auc": _roc_auc(contract, target, scores),
        "accuracy": float(sk.accuracy_score(target, guess)),
        "balanced_accuracy": float(sk.recall_score(target, guess, average="macro", zero_division=0)),
        "f1": _f1(contract, target, guess),
        "log_loss": float(sk.log_loss(target, scores, labels=labels)),
    }


def slices(
    contract: Contract, frame: pd.DataFrame, target: NDArray[Any], scores: NDArray[Any]
) -> list[dict[str, Any]]:
    """The model's quality in each group of rows that is large enough to judge.

    Quality is accuracy for classification and the mean absolute error for regression: both are
    defined in every group. Each entry: column, group, rows, quality.
    """
    found = []
    for name in contract.columns:
        column = contract.columns[name]
        if column.role not in ("feature", "audit") or column.personal or column.type == "datetime":
            continue
        for group, rows in _groups(frame[name]).items():
            if len(rows) >= contract.gates.slice_rows:
                quality = _quality(contract, target[rows], scores[rows])
                found.append({"column": name, "group": group, "rows": len(rows), "quality": quality})
    return found


def fairness(
    contract: Contract, frame: pd.DataFrame, target: NDArray[Any], scores: NDArray[Any]
) -> dict[str, float | None]:
    """The gap between groups of each sensitive column; None when no two groups are large enough.

    Binary: equalized odds difference (Hardt, Price, Srebro 2016, as fairlearn computes it). More
    classes: difference of accuracy. Regression: difference of mean absolute error over its mean.
    """
    from fairlearn.metrics import equalized_odds_difference

    gaps: dict[str, float | None] = {}
    for name in contract.sensitive:
        groups = {
            group: rows
            for group, rows in _groups(frame[name]).items()
            if len(rows) >= contract.gates.slice_rows
        }
        if len(groups) < 2:
            gaps[name] = None
            continue
        if contract.positive is not None:
            rows = np.concatenate(list(groups.values()))
            names = np.concatenate([np.full(len(r), group) for group, r in groups.items()])
            positive = contract.classes.index(contract.positive)
            truth, guess = target[rows] == positive, scores[rows].argmax(axis=1) == positive
            gaps[name] = float(equalized_odds_difference(truth, guess, sensitive_features=names))
        else:
            quality = [_quality(contract, target[rows], scores[rows]) for rows in groups.values()]
            scale = 1.0 if contract.classes else float(np.mean(quality)) + FINITE
            gaps[name] = (max(quality) - min(quality)) / scale
    return gaps


def gates(
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
    sign = 1 if contract.higher_is_better else -1
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
        found.append(
            _margin("over champion", value, champion[name], limits.champion_margin, sign)
        )
    gap, note = _slice_gap(contract, slices)
    found.append(_at_most("slice gap", gap, limits.slice_gap, note))
    for column, value_or_none in fairness.items():
        note = "" if value_or_none is not None else f"no two groups of {limits.slice_rows} rows"
        found.append(_at_most(f"fairness gap: {column}", value_or_none, limits.fairness_gap, note))
    found.append(
        _at_most("parity: largest difference", parity.max_difference, limits.parity_tolerance)
    )
    over = f"of {parity.rows} rows, with gaps and unseen values"
    found.append(_at_most("parity: rows over it", float(parity.rows_over), limits.parity_rows, over))
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
        verdict = ("passed" if gate.value is not None else "not measured") if gate.passed else "FAILED"
        note = f"  ({gate.note})" if gate.note else ""
        lines.append(f"{gate.name:<32} {value:>10}   {gate.limit:<12} {verdict}{note}")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Measure a registered version on the test rows, or on all rows of a file."""
    parser = argparse.ArgumentParser(prog="run.py evaluate", description=main.__doc__)
    parser.add_argument("file", nargs="?", help="rows with their outcomes (default: the test split)")
    parser.add_argument("--version", type=int, help="which version (default: the champion)")
    options = parser.parse_args(argv[1:])
    config = settings.load()
    version, bundle = registry.Registry(Storage(config.store)).load(options.version)
    contract = bundle.contract if options.file else contracts.load()
    frame = data.read(options.file or contract.dataset.source, contract)
    rows = frame if options.file else data.split(frame, contract).test
    predictor = Predictor(bundle)
    target = data.target(rows, contract)
    scores = predictor.score_inputs(predictor.encode.columns(data.inputs(rows, contract)))
    print(f"version {version}, run {bundle.manifest.run_id}, {len(rows)} rows")
    found = metrics(contract, target, scores)
    for name, value in found.items():
        print(f"  {name:<20} {value:.4f}")
    for entry in slices(contract, rows, target, scores):
        print(f"  {entry['column']} = {entry['group']}: {entry['quality']:.4f} on {entry['rows']} rows")
    floor = contract.gates.floor
    value = found[contract.gates.metric]
    if not (value >= floor if contract.higher_is_better else value <= floor):
        raise GateFailed(f"{contract.gates.metric} is {value:.4f}, the contract's floor is {floor:g}")
    return 0


def _roc_auc(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    if len(np.unique(target)) < len(contract.classes):
        return float("nan")
    if contract.positive is not None:
        positive = contract.classes.index(contract.positive)
        return float(sk.roc_auc_score(target == positive, scores[:, positive]))
    return float(sk.roc_auc_score(target, scores, multi_class="ovr"))


def _f1(contract: Contract, target: NDArray[Any], guess: NDArray[Any]) -> float:
    if contract.positive is None:
        return float(sk.f1_score(target, guess, average="macro", zero_division=0))
    positive = contract.classes.index(contract.positive)
    return float(sk.f1_score(target == positive, guess == positive, zero_division=0))


def _quality(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    if contract.classes:
        return float((scores.argmax(axis=1) == target).mean())
    return float(np.abs(scores[:, 0] - target).mean())


def _groups(values: pd.Series) -> dict[str, NDArray[np.intp]]:
    """Row positions by group: a category's values, or the thirds of a column with more than ten numbers."""
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values) and known.nunique() > 10:
        thirds = pd.qcut(values, 3, duplicates="drop").cat
        values = thirds.rename_categories([f"{i.left:.4g} to {i.right:.4g}" for i in thirds.categories])
    codes, names = pd.factorize(values)
    return {str(name): np.flatnonzero(codes == code) for code, name in enumerate(names)}


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
