"""The limits of a draft: those that every sound model keeps, and those of before that hold."""

from msgspec.structs import asdict, replace

from engine.contract.schema import Contract, Dataset, Gates

OF_THE_SYSTEM = ("p99_ms",)  # a budget that no table changes


def drafted(base: Dataset) -> Gates:
    """A model must beat one that looks at nothing; what is good enough, a person says."""
    metric = "r2" if base.task == "regression" else "balanced_accuracy"
    return Gates(
        metric="roc_auc" if len(base.classes) == 2 else metric,
        baseline_margin=0.02 if base.classes else 0.05,
        champion_margin=-0.01,
    )


def carried(before: Contract, now: Contract) -> tuple[Gates, list[str]]:
    """The limits for `now`, and a line for each of `before` that is kept or dropped.

    A limit was decided for one table: it holds for the same target in the same columns of the same
    source, and is dropped for any other. Budgets of the system are always kept.
    """
    old, new, lines = asdict(before.gates), now.gates, list[str]()
    same = _table(before) == _table(now)
    of = f"{before.dataset.target!r} of {before.dataset.source}"
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
