"""Signs that the data give the answer away, looked for before anything is fitted.

A leak is a column that could not be known when the prediction is made (Kaufman, Rosset, Perlich,
"Leakage in Data Mining", 2012). No test proves one: these are columns a person should look at.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import r2_score, roc_auc_score

from engine.contract.schema import Contract
from engine.data.split import Split

ENOUGH_ROWS = 50  # with fewer, a perfect score happens by chance
MOST_ROWS = 50_000
SUM_ROWS = 10_000
MOST_BINS = 64
FOLDS = 3
# Above what honest columns reach: in penguin, car and taxi data the best single column has ROC AUC
# 0.90 or explains 92 % of the variance. A mechanical copy reaches 1, less what noise takes away.
AUC, R2 = 0.98, 0.975
# Weights this near to one in two or more columns, whose plain sum then explains nearly everything,
# are bookkeeping, not chance.
UNIT, SUM_R2 = 0.2, 0.95
# n rows without one exception bound the rate of exceptions by 3/n with 95 % confidence (Hanley and
# Lippman-Hand, JAMA 1983): 500 rows by 0.6 %.
PURE_ROWS, PURE_SHARE, PURE_BASE = 500, 0.5, 0.8


def determines(values: pd.Series, target: pd.Series, classes: tuple[str, ...]) -> str:
    """Why this column alone almost gives the target away; empty when it does not."""
    values, target = _sample(values, target)
    if len(target) < ENOUGH_ROWS or target.nunique() < 2:
        return ""
    score = strength(values, target, classes)
    if not classes:
        return f"alone explains {score:.1%} of the target's variance" if score >= R2 else ""
    if score >= AUC:
        return f"alone tells the classes apart with ROC AUC {score:.3f}"
    present = [name for name in classes if (target == name).any()]
    for name in present if len(present) == 2 else ():
        if rows := _pure_rows(_is(target, name), _bins(values)):
            return f"holds values with which all of {rows} rows have the class {name!r}"
    return ""


def strength(values: pd.Series, target: pd.Series, classes: tuple[str, ...]) -> float:
    """How much a column says by itself: ROC AUC (0.5 is nothing; mean over classes), or R2.

    Its values are cut into bins, and each row is predicted from the other rows of its bin
    (out of fold), so a column that merely names every row scores nothing. NaN without evidence.
    """
    values, target = _sample(values, target)
    if len(target) < ENOUGH_ROWS or target.nunique() < 2:
        return float("nan")
    bins, folds = _bins(values), np.arange(len(target)) * 7919 % FOLDS
    if not classes:
        truth = target.to_numpy(dtype=float)
        guess = _from_others(truth, bins, folds)
        return max(float(r2_score(truth, guess)), _straightness(values, truth))
    shares = [_is(target, name) for name in classes if (target == name).any()]
    return float(
        np.mean([roc_auc_score(is_it, _from_others(is_it, bins, folds)) for is_it in shares])
    )


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


def _is(target: pd.Series, name: str) -> NDArray[np.float64]:
    return np.asarray(target == name, dtype=np.float64)


def _sample(values: pd.Series, target: pd.Series) -> tuple[pd.Series, pd.Series]:
    known = target.notna()
    values, target = values[known], target[known]
    step = -(-len(target) // MOST_ROWS) or 1
    return values.iloc[::step], target.iloc[::step]


def _bins(values: pd.Series) -> NDArray[np.intp]:
    """A small number for each row: its value, or the quantile it falls into; missing is one too."""
    if pd.api.types.is_datetime64_any_dtype(values):
        values = pd.Series(values.to_numpy().astype("int64")).where(values.notna().to_numpy())
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_BINS:
        count = int(min(MOST_BINS, max(2, len(values) ** 0.5)))
        values = pd.qcut(values, count, labels=False, duplicates="drop")
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return codes


def _from_others(
    truth: NDArray[np.float64], bins: NDArray[np.intp], folds: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The mean of the truth in the same bin of the other folds; one row of the mean steadies it."""
    width = int(bins.max()) + 1
    guess = np.empty(len(truth))
    for fold in range(FOLDS):
        other, own = folds != fold, folds == fold
        total = np.bincount(bins[other], weights=truth[other], minlength=width)
        count = np.bincount(bins[other], minlength=width)
        guess[own] = ((total + truth[other].mean()) / (count + 1))[bins[own]]
    return guess


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


MOST_NUMBERS = 60  # a sum of parts is looked for among so many numeric columns


def find_leaks(parts: Split, contract: Contract) -> list[str]:
    """One sentence for each sign of a leak: the column, the evidence and the way out."""
    found = suspects(parts.train, contract)
    way = 'if it is known only with the outcome, set role = "ignored", known_at = "outcome"'
    return [f"{name!r} {why}; {way}" for name, why in found.items()] + copies(parts, contract)


def suspects(frame: pd.DataFrame, contract: Contract) -> dict[str, str]:
    """Features that look as if they were known only with the outcome, each with the reason."""
    data, found = contract.dataset, {}
    target = frame[data.target]
    for name, column in contract.features.items():
        reason = determines(frame[name], target, contract.classes)
        if column.type == "datetime" and data.timestamp:
            reason = reason or _is_later(frame[name], frame[data.timestamp], data.timestamp)
        if reason:
            found[name] = reason
    numeric = [n for n, c in contract.features.items() if c.type in ("number", "integer")]
    if not contract.classes:
        signs, explained = parts_of(target, frame[numeric])
        formula = " ".join(f"{'+' if sign > 0 else '-'} {name!r}" for name, sign in signs.items())
        formula = formula.removeprefix("+ ")
        for name in [n for n, sign in signs.items() if sign > 0] or signs:
            found.setdefault(name, f"is part of the target: {formula} is {explained:.1%} of it")
        numeric.append(data.target)
    return found | _containers(frame[numeric], {**found, data.target: ""})


def _containers(numbers: pd.DataFrame, leaking: dict[str, str]) -> dict[str, str]:
    """Columns that are a sum with a leaking column in it give it away as well."""
    found = {}
    known = leaking.keys() & set(numbers.columns)
    for name in numbers.columns if known and len(numbers.columns) <= MOST_NUMBERS else ():
        if name not in leaking:
            signs, _ = parts_of(numbers[name], numbers.drop(columns=name))
            inside = [part for part in signs if part in known]
            if inside and min(signs.values()) > 0:  # with a minus, another column is the sum
                found[name] = f"is a sum that contains {inside[0]!r}, which gives the answer away"
    return found


def copies(parts: Split, contract: Contract) -> list[str]:
    """Test rows that also stand among the training rows, when that is not plain chance."""
    names = [*contract.features, contract.dataset.target]
    train, test = parts.train[names], parts.test[names]
    same = int(np.isin(_fingerprints(test), _fingerprints(train)).sum())
    if same < len(test) * max(0.01, 10 * _chance(train)):
        return []
    return [
        f"{same} of {len(test)} test rows are exact copies of training rows; remove duplicates, or "
        'name dataset.entity and set split.method = "group" so that copies stay together'
    ]


def _chance(rows: pd.DataFrame) -> float:
    """How often a row would meet its like among these, were their columns independent."""
    alike = [(rows[name].value_counts(normalize=True, dropna=False) ** 2).sum() for name in rows]
    return float(len(rows) * np.prod(alike))


def _fingerprints(frame: pd.DataFrame) -> NDArray[np.uint64]:
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)


def _is_later(values: pd.Series, moments: pd.Series, timestamp: str) -> str:
    known = values.notna() & moments.notna()
    later = int((values[known] > moments[known]).sum())
    if not later:
        return ""
    return f"lies after {timestamp!r} in {later} of {int(known.sum())} rows"
