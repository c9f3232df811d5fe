"""Whether two contracts ask the same: then a model of one is measured by rows of the other."""

from engine.contract.schema import Contract

SHOWN = 4  # names in a message


def difference(old: Contract, new: Contract) -> str:
    """Why a model made under `old` says nothing of the rows of `new`, in words; empty if it does.

    What decides is the target, its classes and the inputs; ranges, gates and descriptions do not.
    """
    was, now = old.dataset, new.dataset
    if was.target != now.target:
        return f"it predicts {was.target!r}, contract.toml {now.target!r}"
    if (was.task, old.classes) != (now.task, new.classes):
        classes = f"{was.task} {_listed(old.classes)}", f"{now.task} {_listed(new.classes)}"
        return (
            f"for {was.target!r} it knows {classes[0].strip()}, contract.toml {classes[1].strip()}"
        )
    before, after = (old.numbers, old.categories), (new.numbers, new.categories)
    if before == after:
        return ""
    gone = [name for name in old.features if name not in new.features]
    more = [name for name in new.features if name not in old.features]
    said = [f"it needs {_listed(gone)}"] if gone else []
    said += [f"it does not know {_listed(more)}"] if more else []
    return ", ".join(said) or "its columns have other types, or stand in another order"


def _listed(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(map(repr, names[:SHOWN])) + more
