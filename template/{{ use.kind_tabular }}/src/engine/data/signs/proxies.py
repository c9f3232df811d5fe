"""Features that stand for a sensitive column which the model is kept from.

A group that is withheld comes back through what goes along with it (Barocas and Selbst, "Big Data's
Disparate Impact", 2016). Looked for one column at a time; several together may say more.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.contract.schema import Contract
from engine.data.signs.bins import ENOUGH_ROWS, binned, from_others, sample
from engine.data.signs.leaks import strength

# Halfway from guessing to certainty: a balanced accuracy of 0.75 between two groups, or half of the
# variance of a number.
TELLS = 0.5
MOST_GROUPS = 10
GROUP_ROWS = 30  # smaller groups are left out of the balanced accuracy
PURE = 0.9  # a value is named when so many of its rows are of one group


def proxies(frame: pd.DataFrame, contract: Contract) -> list[str]:
    """One sentence for each feature that tells a withheld sensitive column: how well, and how."""
    withheld = [n for n in contract.sensitive if n not in contract.features and n in frame]
    found = []
    for name in withheld:
        for feature in contract.features:
            shown = feature not in contract.personal and name not in contract.personal
            values = frame[feature]
            if contract.features[feature].type == "boolean":
                values = values.map({0.0: "false", 1.0: "true"})
            if evidence := _evidence(values, frame[name], name, shown=shown):
                found.append(
                    f"{feature!r} stands for {name!r}, which the model is kept from: {evidence}; "
                    f'role = "ignored" for {feature!r} keeps it out as well'
                )
    return found


def balanced_accuracy(values: pd.Series, groups: pd.Series) -> tuple[float, int]:
    """How well the values of one column tell the groups, each counted alike; and how many groups.

    The mean over groups of the share of their rows that is recognised (Brodersen et al., "The
    Balanced Accuracy and Its Posterior Distribution", 2010), on rows the guess was not made from.
    """
    counts = groups.value_counts()
    names = [name for name, rows in counts.items() if rows >= GROUP_ROWS]
    if len(names) < 2:
        return float("nan"), len(names)
    kept = groups.isin(names)
    groups, bins = groups[kept], binned(values[kept])
    truth = [np.asarray(groups == name, dtype=np.float64) for name in names]
    likely: NDArray[np.float64] = np.stack(
        [from_others(is_it, bins) / is_it.mean() for is_it in truth]
    )
    guess = likely.argmax(axis=0)
    hits = [(guess[is_it == 1] == place).mean() for place, is_it in enumerate(truth)]
    return float(np.mean(hits)), len(names)


def _evidence(values: pd.Series, sensitive: pd.Series, name: str, *, shown: bool) -> str:
    values, sensitive = sample(values, sensitive)
    if len(sensitive) < ENOUGH_ROWS:
        return ""
    if pd.api.types.is_numeric_dtype(sensitive) and sensitive.nunique() > MOST_GROUPS:
        share = strength(values, sensitive, ())
        return f"alone it explains {share:.0%} of its variance" if share >= TELLS else ""
    score, groups = balanced_accuracy(values, sensitive)
    if groups < 2 or score < 1 / groups + TELLS * (1 - 1 / groups):
        return ""
    pure = _purest(values, sensitive, name) if shown else ""
    return (
        f"alone it tells {groups} groups apart with a balanced accuracy of {score:.2f} "
        f"(guessing reaches {1 / groups:.2f}){pure}"
    )


def _purest(values: pd.Series, groups: pd.Series, name: str) -> str:
    """The most frequent value that nearly gives a group away, in words."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_GROUPS:
        return ""
    table = pd.crosstab(values, groups)
    rows, most = table.sum(axis=1).to_numpy(), table.max(axis=1).to_numpy()
    good = np.flatnonzero((most >= PURE * rows) & (rows >= GROUP_ROWS))
    if not len(good):
        return ""
    place = good[rows[good].argmax()]
    value, group = table.index[place], table.columns[int(table.to_numpy()[place].argmax())]
    return f"; {most[place]} of {rows[place]} rows with {_text(value)} have {name!r} {_text(group)}"


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)
