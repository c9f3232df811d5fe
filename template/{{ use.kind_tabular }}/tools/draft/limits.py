"""The limits of a draft: those that every sound model keeps, and those of before that hold."""

import pandas as pd
from msgspec.structs import asdict, replace

from engine.contract.schema import Contract, Dataset, Gates
from engine.data.split import Split
from engine.training.decision import rare

OF_THE_SYSTEM = ("p99_ms",)  # a budget that no table changes


def drafted(base: Dataset) -> Gates:
    """A model must beat one that looks at nothing; what is good enough, a person says.

    R2 compares with the mean of the very rows that are predicted, so below 0 nothing was learnt
    that holds there; a baseline from older rows can be worse still.
    """
    metric = "r2" if base.task == "regression" else "balanced_accuracy"
    return Gates(
        metric="roc_auc" if len(base.classes) == 2 else metric,
        floor=0.0 if base.task == "regression" else None,
        baseline_margin=0.02 if base.classes else 0.05,
        champion_margin=-0.01,
    )


# Where one row in eleven is positive, a ROC curve hides what a precision-recall curve shows (Saito
# and Rehmsmeier, PLOS ONE 10, 2015).
RARE = 1 / 11


def for_rare(contract: Contract, parts: Split) -> tuple[Contract, list[str]]:
    """The limits where a class is rare, and what is to say of classes with few rows.

    Of several classes a rare one is seldom the most probable, so balanced accuracy takes a sound
    model for a guess: it is asked only where a part lacks a class, which ROC AUC needs.
    """
    if not contract.classes:
        return contract, []
    frames = {"training": parts.train, "validation": parts.validation, "test": parts.test}
    targets = {
        name: pd.Index(contract.classes).get_indexer(pd.Index(frame[contract.dataset.target]))
        for name, frame in frames.items()
    }
    notes = rare.warnings(contract, targets)
    if contract.positive is None:
        judged = (targets["validation"], targets["test"])
        if all(len(set(codes)) == len(contract.classes) for codes in judged):
            contract = replace(contract, gates=replace(contract.gates, metric="roc_auc"))
        return contract, notes
    rows = sum(len(codes) for codes in targets.values())
    position = contract.classes.index(contract.positive)
    hits = sum(int((codes == position).sum()) for codes in targets.values())
    share = hits / rows
    if share > RARE:
        return contract, notes
    margin = min(contract.gates.baseline_margin, float(f"{share:.1g}"))
    gates = replace(contract.gates, metric="average_precision", baseline_margin=margin)
    notes.append(
        f"{hits} of {rows} rows ({share:.2g} of all) are {contract.positive!r}, so gates.metric is "
        "average_precision: guessing reaches that share, and ROC AUC would look good too easily"
    )
    return replace(contract, gates=gates), notes


def carried(before: Contract, now: Contract) -> tuple[Gates, list[str]]:
    """The limits for `now`, and a line for each of `before` that is kept or dropped.

    A limit was decided for one table: it holds for the same target in the same columns of the same
    source, and is dropped for any other. Budgets of the system are always kept.
    """
    old, new, lines = asdict(before.gates), now.gates, list[str]()
    same = _table(before) == _table(now)
    of = f"{before.dataset.target!r} of {before.dataset.origin}"
    for name, value in old.items():
        if value is None or value == getattr(new, name):
            continue
        shown = f'"{value}"' if isinstance(value, str) else f"{value:g}"
        if name in OF_THE_SYSTEM:
            lines.append(f"kept: {name} = {shown}, a budget of the system")
        elif same:
            lines.append(f"kept: {name} = {shown}, decided for this table")
        else:
            lines.append(f"dropped: {name} = {shown}, decided for {of}")
            continue
        new = replace(new, **{name: value})
    return new, lines


def _table(contract: Contract) -> tuple[object, ...]:
    data = contract.dataset
    return data.source, data.target, data.task, data.classes, frozenset(contract.columns)
