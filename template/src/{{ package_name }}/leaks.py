"""Signs that the data give the answer away, looked for before anything is fitted.

A leak is a column that could not be known when the prediction is made (Kaufman, Rosset, Perlich,
"Leakage in Data Mining", 2012). No test proves one: these are columns a person should look at.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .contract import Contract
from .evidence import determines, sums_up
from .split import Split


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
        if reason := determines(frame[name], target, contract.classes):
            found[name] = reason
        elif column.type == "datetime" and data.timestamp in frame and name != data.timestamp:
            if reason := _is_later(frame[name], frame[data.timestamp], data.timestamp):
                found[name] = reason
    if not contract.classes:
        names = [n for n, c in contract.features.items() if c.type in ("number", "integer")]
        for name, reason in sums_up(frame[names], target, data.target).items():
            found.setdefault(name, reason)
    return found


def copies(parts: Split, contract: Contract) -> list[str]:
    """Test rows that also stand among the training rows, where rows are usually distinct."""
    names = [*contract.features, contract.dataset.target]
    train, test = (_fingerprints(part[names]) for part in (parts.train, parts.test))
    if not len(test) or len(np.unique(train)) < len(train) / 2:
        return []  # few distinct rows: meeting one again says nothing
    same = int(np.isin(test, train).sum())
    if same < len(test) / 100:
        return []
    return [
        f"{same} of {len(test)} test rows are exact copies of training rows; remove duplicates, or "
        'name dataset.entity and set split.method = "group" so that copies stay together'
    ]


def _fingerprints(frame: pd.DataFrame) -> NDArray[np.uint64]:
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _is_later(values: pd.Series, moments: pd.Series, timestamp: str) -> str:
    known = values.notna() & moments.notna()
    later = int((values[known] > moments[known]).sum())
    if not later:
        return ""
    return f"lies after {timestamp!r} in {later} of {int(known.sum())} rows"
