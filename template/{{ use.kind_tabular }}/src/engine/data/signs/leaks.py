"""Signs that the data give the answer away, looked for before anything is fitted.

A leak is a column that could not be known when the prediction is made (Kaufman, Rosset, Perlich,
"Leakage in Data Mining", 2012). No test proves one: these are columns a person should look at.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import r2_score

from engine.contract.schema import Contract
from engine.data.signs.bins import ENOUGH_ROWS, binned, from_others, sample

SUM_ROWS = 10_000
# Above what honest columns usually reach: in penguin, car and taxi data the best single column has
# ROC AUC 0.90 or explains 92 % of the variance.
AUC, R2 = 0.98, 0.975
# A mechanical copy reaches 1, less what rounding takes away. Honest columns come near: one with ROC
# AUC 0.99, or a series that grows as the target does with 0.9995 of its variance.
SURE_AUC, SURE_R2 = 0.9995, 0.9999
# Weights this near to one in two or more columns, whose plain sum then explains nearly everything,
# are bookkeeping, not chance.
UNIT, SUM_R2 = 0.2, 0.95
# n rows without one exception bound the rate of exceptions by 3/n with 95 % confidence (Hanley and
# Lippman-Hand, JAMA 1983): 500 rows by 0.6 %.
PURE_ROWS, PURE_SHARE, PURE_BASE = 500, 0.5, 0.8
MOST_NUMBERS = 60  # a sum of parts is looked for among so many numeric columns
WAY = 'if it is known only with the outcome, set role = "ignored", known_at = "outcome"'


class Suspect(NamedTuple):
    """Why a column may be known only with the outcome."""

    why: str
    is_sure: bool
    """It says the target by construction or nearly perfectly; otherwise it may be an honest one."""


def find_leaks(frame: pd.DataFrame, contract: Contract) -> list[str]:
    """One sentence for each sign of a leak: the column, the evidence and the way out."""
    return [f"{name!r} {suspect.why}; {WAY}" for name, suspect in suspects(frame, contract).items()]


def suspects(frame: pd.DataFrame, contract: Contract) -> dict[str, Suspect]:
    """Features that look as if they were known only with the outcome, each with the reason."""
    data, found = contract.dataset, {}
    target = frame[data.target]
    for name, column in contract.features.items():
        suspect = determines(frame[name], target, contract.classes)
        if column.type == "datetime" and data.timestamp and data.timestamp != name:
            suspect = suspect or _is_later(frame[name], frame[data.timestamp], data.timestamp)
        if suspect:
            found[name] = suspect
    numeric = [n for n, c in contract.features.items() if c.type in ("number", "integer")]
    if not contract.classes:
        found |= {n: s for n, s in _parts(target, frame[numeric]).items() if not _is_sure(found, n)}
        numeric.append(data.target)
    leaking = [name for name, suspect in found.items() if suspect.is_sure]
    return found | _containers(frame[numeric], {*leaking, data.target})


def determines(values: pd.Series, target: pd.Series, classes: tuple[str, ...]) -> Suspect | None:
    """Why this column alone almost gives the target away; None when it does not."""
    values, target = sample(values, target)
    if len(target) < ENOUGH_ROWS or target.nunique() < 2:
        return None
    bins = binned(values)
    score = _strength(values, bins, target, classes)
    if not classes:
        why = f"alone explains {_share(score)} of the target's variance"
        return Suspect(why, score >= SURE_R2) if score >= R2 else None
    if score >= AUC:
        return Suspect(f"alone tells the classes apart with ROC AUC {score:.3f}", score >= SURE_AUC)
    present = [name for name in classes if (target == name).any()]
    for name in present if len(present) == 2 else ():
        if rows := _pure_rows(_is(target, name), bins):
            why = f"holds values with which all of {rows} rows have the class {name!r}"
            return Suspect(why, is_sure=False)
    return None


def strength(values: pd.Series, target: pd.Series, classes: tuple[str, ...]) -> float:
    """How much a column says by itself: ROC AUC (0.5 is nothing; mean over classes), or R2.

    Its values are cut into bins, and each row is predicted from the other rows of its bin
    (out of fold), so a column that merely names every row scores nothing. NaN without evidence.
    """
    values, target = sample(values, target)
    if len(target) < ENOUGH_ROWS or target.nunique() < 2:
        return float("nan")
    return _strength(values, binned(values), target, classes)


def _strength(
    values: pd.Series, bins: NDArray[np.intp], target: pd.Series, classes: tuple[str, ...]
) -> float:
    if not classes:
        truth = target.to_numpy(dtype=float)
        return max(float(r2_score(truth, from_others(truth, bins))), _straightness(values, truth))
    present = [name for name in classes if (target == name).any()]
    # of two classes, one tells as much as the other
    shares = [_is(target, name) for name in (present[:1] if len(present) == 2 else present)]
    return float(np.mean([_auc(is_it, from_others(is_it, bins)) for is_it in shares]))


def _auc(is_it: NDArray[np.float64], guess: NDArray[np.float64]) -> float:
    """ROC AUC from ranks (Mann and Whitney, 1947): scikit-learn's takes ten times as long here."""
    hits = is_it.sum()
    rank_sum = rankdata(guess)[is_it == 1].sum()
    return float((rank_sum - hits * (hits + 1) / 2) / (hits * (len(is_it) - hits)))


def parts_of(total: pd.Series, numbers: pd.DataFrame) -> tuple[dict[str, int], float]:
    """The columns whose sum or difference is `total`, up to a constant and a small rest.

    Returns the sign of each (empty when there is no such sum) and the share of variance explained.
    """
    table = pd.concat([numbers, total.rename(None)], axis=1).iloc[:: len(total) // SUM_ROWS + 1]
    table = table.dropna()
    if len(table) < ENOUGH_ROWS or len(numbers.columns) < 2:
        return {}, 0.0
    x, y = table.iloc[:, :-1].to_numpy(dtype=float), table.iloc[:, -1].to_numpy(dtype=float)
    x, y = x - x.mean(axis=0), y - y.mean()
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    found = np.flatnonzero(np.abs(np.abs(weights) - 1) <= UNIT)
    rest = y - x[:, found] @ np.sign(weights[found])
    explained = 1 - float(rest.var() / y.var()) if y.any() else 0.0
    if len(found) < 2 or explained < SUM_R2:
        return {}, explained
    return {str(numbers.columns[int(i)]): int(np.sign(weights[i])) for i in found}, explained


def _parts(target: pd.Series, numbers: pd.DataFrame) -> dict[str, Suspect]:
    """The columns that add up to the target; those that are taken off it tell less."""
    signs, explained = parts_of(target, numbers)
    formula = " ".join(f"{'+' if sign > 0 else '-'} {name!r}" for name, sign in signs.items())
    why = f"is part of the target: {formula.removeprefix('+ ')} is {_share(explained)} of it"
    added = [name for name, sign in signs.items() if sign > 0]
    return {name: Suspect(why, is_sure=True) for name in added or signs}


def _is_sure(found: dict[str, Suspect], name: str) -> bool:
    return name in found and found[name].is_sure


def _containers(numbers: pd.DataFrame, leaking: set[str]) -> dict[str, Suspect]:
    """Columns that are a sum with a leaking column in it give it away as well."""
    found = {}
    known = leaking & set(numbers.columns)
    for name in numbers.columns if known and len(numbers.columns) <= MOST_NUMBERS else ():
        if name not in leaking:
            signs, _ = parts_of(numbers[name], numbers.drop(columns=name))
            inside = [part for part in signs if part in known]
            if inside and min(signs.values()) > 0:  # with a minus, another column is the sum
                why = f"is a sum that contains {inside[0]!r}, which gives the answer away"
                found[name] = Suspect(why, is_sure=True)
    return found


def _is_later(values: pd.Series, moments: pd.Series, timestamp: str) -> Suspect | None:
    if moments.dtype.kind != "M":  # a year in numbers says nothing of hours
        return None
    known = values.notna() & moments.notna()
    later, all_ = int((values[known] > moments[known]).sum()), int(known.sum())
    why = f"lies after {timestamp!r} in {later} of {all_} rows"
    return Suspect(why, is_sure=later > all_ / 2) if later else None


def _share(score: float) -> str:
    """A share in percent that is not rounded up to all of it."""
    return f"{score:.1%}" if score < 0.999 else f"{int(score * 1e6) / 1e4:g}%"


def _is(target: pd.Series, name: str) -> NDArray[np.float64]:
    return np.asarray(target == name, dtype=np.float64)


def _straightness(values: pd.Series, truth: NDArray[np.float64]) -> float:
    """Squared rank correlation: bins are too coarse to see that a column is a copy."""
    if not pd.api.types.is_numeric_dtype(values) or values.nunique() < 2:
        return 0.0
    known = values.notna().to_numpy()
    ranks = pd.DataFrame({"value": values.to_numpy()[known], "truth": truth[known]}).rank()
    return float(np.corrcoef(ranks.to_numpy(), rowvar=False)[0, 1]) ** 2 * float(known.mean())


def _pure_rows(is_it: NDArray[np.float64], bins: NDArray[np.intp]) -> int:
    """Rows in bins that hold this class only, if they are many and the class is not the rule."""
    count, hits = np.bincount(bins), np.bincount(bins, weights=is_it)
    pure = count[(hits == count) & (count >= 30)].sum()
    enough = pure >= max(PURE_ROWS, PURE_SHARE * is_it.sum())
    return int(pure) if enough and is_it.mean() <= PURE_BASE else 0
