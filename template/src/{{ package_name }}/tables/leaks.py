"""Signs that the data give the answer away, looked for before anything is fitted.

A leak is a column that could not be known when the prediction is made (Kaufman, Rosset, Perlich,
"Leakage in Data Mining", 2012). No test proves one: these are columns a person should look at.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..contract import Contract
from .evidence import determines, parts_of
from .split import Split

MOST_NUMBERS = 60  # a sum of parts is looked for among so many numeric columns


def leaks(parts: Split, contract: Contract) -> list[str]:
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
