"""Whether the rows of a window still look like those the champion was trained on.

Every feature gives up to two checks: its values, and how often it is missing. A check raises the
alarm only when the difference is both

real   by a two-sample test at the level that `significance` states, over all checks together, and
large  by Evidently's distance, at the limit Evidently itself sets: a Wasserstein distance of 0.1
       standard deviations for numbers, a Jensen-Shannon distance of 0.1 for categories
       (docs.evidentlyai.com, "Customize data drift"). In large windows trivial differences are
       real; this keeps them quiet.

The times of a datetime are not compared, only whether they are there: a window of a day always
holds other days than the reference.
"""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..contract import Contract
from .signals import UNKNOWN, signals
from .significance import LEAST_ROWS, category_p, holm, number_p

LARGE = 0.1
MEASURED_ROWS = 20_000  # rows that Evidently measures and draws: exact to about 0.01


@dataclass(frozen=True)
class Check:
    """One comparison of a column with the reference."""

    column: str
    what: str
    """`values` or `missing`."""
    p: float
    distance: float
    real: bool
    detail: str
    fault: bool
    """Whether it looks like broken data rather than a changed world."""

    @property
    def drifted(self) -> bool:
        """Whether the difference is both real and large."""
        return self.real and self.distance >= LARGE


def compare(
    reference: pd.DataFrame, current: pd.DataFrame, contract: Contract
) -> tuple[list[Check], Any]:
    """Compare a window with the reference; both hold the features, typed as training types them.

    Returns the checks and Evidently's report on them, or nothing when there are too few rows.
    """
    old, new = signals(reference, contract), signals(current, contract)
    chances = p_values(old, new)
    if not chances:
        return [], None
    real, (distances, report) = holm(chances), evidently_distances(old[[*chances]], new[[*chances]])
    checks = []
    for name, p in chances.items():
        column, _, what = name.rpartition(" ")
        detail, fault = describe(old[name], new[name], what)
        checks.append(Check(column, what, p, distances[name], real[name], detail, fault))
    return checks, report


def p_values(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, float]:
    """The chance of a difference this large without drift, for every signal that can be tested."""
    chances = {}
    for name in map(str, old.columns.intersection(new.columns, sort=False)):
        if old[name].dtype == np.float64:
            samples = [values[~np.isnan(values)] for values in (old[name].array, new[name].array)]
            rows, test = [len(sample) for sample in samples], number_p
        else:
            samples = [_counts(old[name]), _counts(new[name])]
            rows, test = [sample.sum() for sample in samples], category_p
        nothing_is_missing = name.endswith(" missing") and not samples[0][1] + samples[1][1]
        if min(rows) >= LEAST_ROWS and not nothing_is_missing:
            chances[name] = test(*samples)
    return chances


def describe(before: pd.Series, now: pd.Series, what: str) -> tuple[str, bool]:
    """What changed, in words, and whether it looks like a fault in the data."""
    if what != "missing" and now.nunique() == 1 and before.nunique() > 1:
        return f"stuck at {now.dropna().iloc[0]}", True
    if before.dtype == np.float64:
        return f"median {before.median():.4g} -> {now.median():.4g}", False
    old, new = (_counts(values) / _counts(values).sum() for values in (before, now))
    if what == "missing":
        return f"missing {old[1]:.1%} -> {new[1]:.1%}", bool(new[1] > old[1])
    most = int(np.abs(new - old).argmax())
    name = before.cat.categories[most]
    return f"{name} {old[most]:.1%} -> {new[most]:.1%}", bool(
        name == UNKNOWN and new[most] > old[most]
    )


def evidently_distances(old: pd.DataFrame, new: pd.DataFrame) -> tuple[dict[str, float], Any]:
    """Evidently's distance for every signal, and its report."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently import DataDefinition, Dataset, Report  # takes seconds; no other verb needs it
    from evidently.metrics import ValueDrift

    numbers = [name for name in old if old[name].dtype == np.float64]
    layout = DataDefinition(
        numerical_columns=numbers, categorical_columns=[n for n in old if n not in numbers]
    )
    current, reference = (
        Dataset.from_pandas(
            frame.sample(min(len(frame), MEASURED_ROWS), random_state=0, ignore_index=True).astype(
                dict.fromkeys(layout.categorical_columns, object)
            ),
            data_definition=layout,
        )
        for frame in (new, old)
    )
    drifts = [
        ValueDrift(
            column=name,
            method="wasserstein" if name in numbers else "jensenshannon",
            threshold=LARGE,
        )
        for name in old
    ]
    report = Report(drifts, include_tests=True).run(current, reference)
    measured = report.dict()["metrics"]
    return {m["config"]["column"]: float(np.nan_to_num(m["value"])) for m in measured}, report


def _counts(values: pd.Series) -> NDArray[np.int64]:
    return np.bincount(values.cat.codes + 1, minlength=len(values.cat.categories) + 1)[1:]
