"""How good the champion is in real life, once outcomes are known, and what that was worth."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.schema import Contract, to_text
from engine.monitoring.log import Outcome, Prediction, Window
from engine.monitoring.significance import LEAST_ROWS, luck
from engine.training.metrics import higher_is_better, metrics

LATEST = 500  # outcomes that are looked at when fewer came in the window
MOST = 5000  # and when more came
RESAMPLES = 50  # "often enough" for a standard error (Efron and Tibshirani 1993, section 6.4)
LARGE = 0.05  # a loss of less than this part of the test value is nothing to wake anyone for

Pair = tuple[Prediction, Outcome]


@dataclass
class Performance:
    """The gate's metric on predictions whose outcome came back."""

    metric: str
    expected: float
    """Its value on the test rows, when the champion was trained."""
    rows: int = 0
    value: float | None = None
    bound: float | None = None
    """The best that the outcomes allow for, luck in the test rows included."""
    dropped: bool = False
    delay: timedelta | None = None
    """How long the outcomes took: half of them took longer."""
    daily: list[dict[str, Any]] = field(default_factory=list)
    """By day of the prediction, every version and the fallback included."""
    worth: dict[str, float] = field(default_factory=dict)
    """Sum of the outcomes' values by what was predicted: the label, or the tenth of the values."""
    note: str = ""
    """Why no verdict was reached."""


def measure(
    contract: Contract,
    pairs: list[Pair],
    window: Window,
    version: int,
    expected: float,
    test_rows: int,
) -> Performance:
    """Hold what came true against the champion's value on its `test_rows` test rows.

    The verdict rests on the champion's own answers whose outcome came in the window, or on the
    latest 500 when fewer came. An outcome that is no class or no number is left out.
    """
    name, sign = contract.gates.metric, 1 if higher_is_better(contract) else -1
    usable = sorted((p for p in pairs if _usable(contract, p)), key=lambda p: p[1].at)
    own = [p for p in usable if p[0].version == version and not p[0].fallback]
    came = [p for p in own if p[1].at >= window.start]
    recent = came[-MOST:] if len(came) >= LATEST else own[-LATEST:]
    found = Performance(name, expected, rows=len(recent))
    found.daily, found.worth = _daily(contract, usable), _worth(contract, usable)
    if recent:
        seconds = median((o.at - p.at).total_seconds() for p, o in recent)
        found.delay = timedelta(seconds=seconds)
    if len(recent) < LEAST_ROWS:
        found.note = f"{len(recent)} outcomes, {LEAST_ROWS} are needed"
        return found
    target, scores = _arrays(contract, recent)
    value = metrics(contract, target, scores)[name]
    if np.isnan(value) or np.isnan(expected):
        found.note = f"{name} is not defined on these outcomes"
        return found
    spread = _standard_error(contract, target, scores)
    allowance = luck(spread, len(recent), test_rows, RESAMPLES)
    gap = sign * (expected - value)
    found.value, found.bound = value, value + sign * allowance
    found.dropped = gap > allowance and gap >= LARGE * abs(expected)
    return found


def _standard_error(contract: Contract, target: NDArray[Any], scores: NDArray[Any]) -> float:
    """The bootstrap's standard error of the gate's metric."""
    chance, values = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        drawn = chance.integers(len(target), size=len(target))
        values.append(metrics(contract, target[drawn], scores[drawn])[contract.gates.metric])
    return float(np.nanstd(values, ddof=1))


def _usable(contract: Contract, pair: Pair) -> bool:
    answer, outcome = pair[0].answer, pair[1].outcome
    if contract.classes:
        known = answer.probabilities is not None and set(contract.classes) <= set(
            answer.probabilities
        )
        return known and to_text(outcome) in contract.classes
    is_number = isinstance(outcome, int | float) and not isinstance(outcome, bool)
    return answer.value is not None and is_number and bool(np.isfinite(outcome))


def _arrays(contract: Contract, pairs: list[Pair]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Targets and scores as `training.metrics` takes them."""
    if not contract.classes:
        return np.array([o.outcome for _, o in pairs]), np.array(
            [[p.answer.value] for p, _ in pairs]
        )
    places = {name: i for i, name in enumerate(contract.classes)}
    target = np.array([places[to_text(o.outcome)] for _, o in pairs])
    scores = np.array(
        [[(p.answer.probabilities or {})[c] for c in contract.classes] for p, _ in pairs],
        dtype=np.float32,  # as the model gave them: taken for more exact, they do not sum to one
    )
    return target, scores


def _daily(contract: Contract, pairs: list[Pair]) -> list[dict[str, Any]]:
    days: dict[date, list[Pair]] = defaultdict(list)
    for pair in pairs:
        days[pair[0].at.date()].append(pair)
    found = []
    for day, some in sorted(days.items()):
        value = metrics(contract, *_arrays(contract, some))[contract.gates.metric]
        known = None if np.isnan(value) else round(value, 6)
        found.append({"day": day.isoformat(), "rows": len(some), contract.gates.metric: known})
    return found


def _worth(contract: Contract, pairs: list[Pair]) -> dict[str, float]:
    valued = [(p, o.value) for p, o in pairs if o.value is not None]
    names = [str(p.answer.label) for p, _ in valued]
    if not contract.classes and valued:
        ranks = np.argsort(np.argsort(np.array([p.answer.value for p, _ in valued])))
        names = [f"tenth {1 + 10 * rank // len(valued)}" for rank in ranks.tolist()]
    sums: dict[str, float] = defaultdict(float)
    for name, (_, value) in zip(names, valued, strict=True):
        sums[name] += value
    return {name: round(value, 2) for name, value in sorted(sums.items())}
