"""What is to be predicted: classes or a value, and which of it cannot be."""

import difflib
from typing import Any

from engine.contract.schema import Task, to_text
from engine.contract.types import LARGEST
from engine.core.errors import DataError
from tools.draft.pii import LISTS
from tools.draft.profile import Profile

FEW_NUMBERS = 10  # so many different whole numbers are still taken for classes
MOST_CLASSES = 100
ENOUGH_ROWS = 20


def require_column(target: str, names: list[str], source: str) -> None:
    """Refuse a target that the table does not have, with the nearest name that it has."""
    if target not in names:
        near = difflib.get_close_matches(target, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DataError(
            f"{source} has no column {target!r}; {hint}it has {', '.join(map(repr, names))}"
        )


def task_of(
    profile: Profile, asked: Task | None, answered: Task | None = None
) -> tuple[Task, list[str]]:
    """The task, and a note when it had to be guessed.

    `asked` is what somebody said of this table, `answered` of the repository when it was made: it
    decides where the values leave both open. Raises DataError with the column and the reason when
    the target cannot be modelled.
    """
    name, numeric = profile.name, profile.kind in ("number", "integer")
    if profile.known == 0:
        raise DataError(f"the target {name!r} has no value in any row; nothing can be learnt")
    if profile.distinct == 1:
        only = next(iter(profile.counts))
        raise DataError(f"the target {name!r} has one value only ({only!r}); nothing can be learnt")
    if profile.known < ENOUGH_ROWS:
        raise DataError(
            f"the target {name!r} is known in {profile.known} rows; it takes {ENOUGH_ROWS}"
        )
    if profile.kind == "datetime":
        raise DataError(f"the target {name!r} holds times; a class or a number can be predicted")
    many = profile.distinct > min(MOST_CLASSES, profile.known / 2)
    if not numeric and (asked == "regression" or (answered == "regression" and many and not asked)):
        example = next(iter(profile.counts))[:40]
        made = "" if asked else ", which this repository was made for,"
        raise DataError(
            f"the target {name!r} holds texts such as {example!r}; a regression{made} needs numbers"
        )
    if numeric and max(abs(profile.low), abs(profile.high)) > LARGEST:
        raise DataError(
            f"the target {name!r} goes from {profile.low:g} to {profile.high:g}; a model answers "
            f"numbers up to {LARGEST:g}: correct or remove what is beyond"
        )
    notes: list[str] = []
    task: Task = asked or "classification"
    if not asked and numeric:
        task, notes = _of_numbers(profile, answered)
    elif not asked and answered == "regression":
        notes = [f"the target {name!r} holds texts: taken as classification"]
    if task == "classification":
        _require_classes(profile)
    return task, notes


def _of_numbers(profile: Profile, answered: Task | None) -> tuple[Task, list[str]]:
    """What numbers are taken for, when nobody said it of this table."""
    whole = all(float(text).is_integer() for text in profile.counts if _is_number(text))
    if profile.distinct == 2:
        return "classification", []
    if not whole:
        return "regression", []
    said = f"the target {profile.name!r} has {profile.distinct} different whole numbers: taken as "
    if profile.distinct > FEW_NUMBERS:
        return "regression", [f"{said}regression; if that is wrong: --task classification"]
    if answered == "regression":
        why = ", which this repository was made for; if that is wrong: --task classification"
        return "regression", [f"{said}regression{why}"]
    return "classification", [f"{said}classification; if that is wrong: --task regression"]


def classes_of(profile: Profile) -> tuple[tuple[str, ...], str | None, list[str]]:
    """The classes in order, the positive one of two, and notes on what was guessed."""
    names = _class_names(profile)
    notes = [
        f"class {name!r} of the target has only {count} rows"
        for name, count in names.items()
        if count < ENOUGH_ROWS
    ]
    ordered = sorted(names, key=lambda text: (not _is_number(text), _number(text), text))
    if len(ordered) != 2:
        return tuple(ordered), None, notes
    marked = [
        text for text in ordered if text.casefold() in LISTS["positive"] or text == profile.name
    ]
    positive = marked[0] if len(marked) == 1 else min(ordered, key=lambda text: names[text])
    why = "by its name" if len(marked) == 1 else "because it is the rarer one"
    notes.append(f"the positive class is {positive!r}, {why}")
    return tuple(ordered), positive, notes


def _class_names(profile: Profile) -> dict[str, int]:
    """Classes as the contract writes them: 1.0 is "1" when all of them are whole numbers."""
    if profile.kind not in ("number", "integer"):
        return dict(profile.counts)
    names: dict[str, int] = {}
    for text, count in profile.counts.items():
        name = to_text(float(text)) if _is_number(text) else text
        names[name] = names.get(name, 0) + count
    return names


def _require_classes(profile: Profile) -> None:
    if profile.distinct > profile.known / 2:
        raise DataError(
            f"the target {profile.name!r} has {profile.distinct} different values in "
            f"{profile.known} rows: nearly as many classes as rows cannot be learnt"
        )
    if profile.distinct > MOST_CLASSES:
        raise DataError(
            f"the target {profile.name!r} has {profile.distinct} classes; up to {MOST_CLASSES} are "
            "supported: group them, or predict a number with --task regression"
        )


def _is_number(text: str) -> bool:
    return _number(text) != float("inf")


def _number(text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
