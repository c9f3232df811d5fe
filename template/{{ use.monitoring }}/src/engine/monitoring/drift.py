"""Whether the rows of a window still look like those the champion was trained on.

Every feature gives up to two checks: its values, and how often it is missing. A check raises the
alarm only when the difference is both

real   by a two-sample test at the level that `significance` states, over all checks together, and
large  by the distance of the seam `monitoring`: for numbers a Wasserstein distance of 0.1 standard
       deviations (half of what Cohen 1988 calls a small effect), for categories a Jensen-Shannon
       distance of 0.1 (a share of 50 % that becomes 64 %). In large windows trivial differences are
       real; this keeps them quiet.

The times of a datetime are not compared, only whether they are there: a window of a day always
holds other days than the reference.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.contract.schema import Contract
from engine.monitoring import distances
from engine.monitoring.protocol import LARGE, Distances, Report
from engine.monitoring.significance import LEAST_ROWS, category_p, holm, number_p

UNKNOWN = "(unknown)"  # stands for every category the contract does not list
OPTION: Distances = distances
QUANTILES = (0.05, 0.25, 0.75, 0.95)


def logged(rows: list[msgspec.Raw], contract: Contract) -> pd.DataFrame:
    """Logged rows typed as training types them; a personal column, never in the log, is empty.

    number, integer, boolean: float64, missing is NaN; category and datetime: text, missing is None.
    """
    decoded = [msgspec.json.decode(row, type=dict[str, Any]) for row in rows]
    columns = {}
    for name, column in contract.features.items():
        values = [row.get(name) for row in decoded]
        numeric = column.type in ("number", "integer", "boolean")
        columns[name] = np.array(values, dtype=np.float64 if numeric else object)
    return pd.DataFrame(columns)


def signals(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """What is compared: `<column> values`, float64 or categorical, and `<column> missing`.

    Personal columns are not compared.
    """
    found: dict[str, Any] = {}
    for name, column in contract.features.items():
        if column.personal or name not in frame:
            continue
        values = frame[name]
        if column.type in ("number", "integer"):
            found[f"{name} values"] = values.astype(float)
        elif column.type == "boolean":
            found[f"{name} values"] = _categorical(values.fillna(-1), ("false", "true"))
        elif column.type == "category":
            places = {value: place for place, value in enumerate(column.values)}
            known = values.map(places).fillna(len(places))
            codes = known.where(values.notna(), -1)
            found[f"{name} values"] = _categorical(codes, (*column.values, UNKNOWN))
        found[f"{name} missing"] = _categorical(values.isna(), ("no", "yes"))
    return pd.DataFrame(found)


def _categorical(codes: Any, names: tuple[str, ...]) -> Any:
    kind = pd.CategoricalDtype(list(names))
    return pd.Categorical.from_codes(np.asarray(codes).astype(np.int64), dtype=kind)


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
) -> tuple[list[Check], Report | None]:
    """Compare a window with the reference; both hold the features, typed as training types them.

    Returns the checks and the option's report on them; neither when there are too few rows.
    """
    old, new = signals(reference, contract), signals(current, contract)
    chances = p_values(old, new)
    if not chances:
        return [], None
    real, (far, report) = holm(chances), OPTION.measure(old[[*chances]], new[[*chances]])
    checks = []
    for name, p in chances.items():
        column, _, what = name.rpartition(" ")
        detail, fault = describe(old[name], new[name], what)
        checks.append(Check(column, what, p, far[name], real[name], detail, fault))
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
        return _moved(before, now), False
    old, new = (_counts(values) / _counts(values).sum() for values in (before, now))
    if what == "missing":
        return f"missing {old[1]:.1%} -> {new[1]:.1%}", bool(new[1] > old[1])
    most = int(np.abs(new - old).argmax())
    name = before.cat.categories[most]
    return f"{name} {old[most]:.1%} -> {new[most]:.1%}", bool(
        name == UNKNOWN and new[most] > old[most]
    )


def _moved(before: pd.Series, now: pd.Series) -> str:
    """What of a number changed: its median; or, where that hardly moved, what moved most."""
    then, since = _summary(before), _summary(now)
    steps = {name: abs(since[name] - then[name]) for name in then}
    most = max(steps, key=lambda name: steps[name])
    name = "median" if steps["median"] >= steps[most] / 2 else most
    return f"{name} {then[name]:.4g} -> {since[name]:.4g}"


def _summary(values: pd.Series) -> dict[str, float]:
    """Median, mean and some quantiles, by what they are called."""
    quantiles = {f"{share:.0%} quantile": float(values.quantile(share)) for share in QUANTILES}
    return {"median": float(values.median()), "mean": float(values.mean()), **quantiles}


def _counts(values: pd.Series) -> NDArray[np.int64]:
    return np.bincount(values.cat.codes + 1, minlength=len(values.cat.categories) + 1)[1:]
