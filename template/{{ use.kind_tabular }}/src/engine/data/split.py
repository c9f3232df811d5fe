"""Rows set apart for training, validation and test, as the contract says; the same every time."""

import calendar
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.contract.schema import Contract
from engine.core.errors import DataError

TRAIN, VALIDATION, TEST = 0, 1, 2
MONTHS = [name.casefold() for name in calendar.month_name[1:]]  # of the C locale, Python's own


class Split(NamedTuple):
    """Three frames without a common row; rows without a target are in none of them."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def split_rows(frame: pd.DataFrame, contract: Contract) -> Split:
    """Divide the rows: by time, by entity or at random (classes in proportion).

    Raises DataError when a part would be empty or training would not see every class.
    """
    frame = labelled(frame, contract)
    methods = {"time": _by_time, "group": _by_group, "random": _at_random}
    parts = methods[contract.split.method](frame, contract)
    result = Split(*(frame[parts == part] for part in (TRAIN, VALIDATION, TEST)))
    _require_rows(result, contract)
    return result


def labelled(frame: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The rows whose target is known; only from these can anything be learnt or measured."""
    return frame[frame[contract.dataset.target].notna()]


def _by_time(frame: pd.DataFrame, contract: Contract) -> NDArray[np.int8]:
    """Oldest rows train, newest test; rows of the same moment stay together."""
    moments = moments_of(frame, contract)
    ordered = np.sort(moments)
    first, second = (
        (
            ordered[min(int(len(frame) * share), len(frame) - 1)]
            for share in (
                1 - contract.split.validation - contract.split.test,
                1 - contract.split.test,
            )
        )
        if len(frame)
        else (None, None)
    )
    return _cut(moments >= first, moments >= second)


def moments_of(frame: pd.DataFrame, contract: Contract) -> NDArray[Any]:
    """When each row was true, as something that can be ordered: the timestamp, then `then_by`."""
    moments = frame[contract.dataset.timestamp]
    if not contract.split.then_by:
        return moments.to_numpy()
    parts = [moments, *(_ordered(frame[name]) for name in contract.split.then_by)]
    keys = pd.DataFrame(dict(enumerate(parts)))
    return keys.groupby([*keys], dropna=False).ngroup().to_numpy()


def _ordered(values: pd.Series) -> pd.Series:
    """Numbers and times as they are; texts as the months that they name, or as numbers."""
    if values.dtype.kind != "O":
        return values
    places = {text: month(text) for text in values.dropna().unique()}
    if odd := [text for text, place in places.items() if place is None]:
        raise DataError(
            f"split.then_by names {values.name!r}, which holds {odd[0]!r}: rows can be ordered by "
            "numbers, times and the English names of months"
        )
    return values.map(places)


def month(text: Any) -> float | None:
    """The number of a month by its English name, long or short; of a number the number itself."""
    folded = str(text).casefold().rstrip(".")
    found = [at for at, name in enumerate(MONTHS, 1) if folded in (name, name[:3], name[:4])]
    try:
        return float(found[0] if found else folded)
    except ValueError:
        return None


def _cut(later: Any, latest: Any) -> NDArray[np.int8]:
    return later.astype(np.int8) + latest.astype(np.int8)  # type: ignore[no-any-return]


def _by_group(frame: pd.DataFrame, contract: Contract) -> NDArray[np.int8]:
    """Whole entities go to one part; a row without an entity is one of its own."""
    codes, names = pd.factorize(frame[contract.dataset.entity], sort=True)
    alone = codes < 0
    codes[alone] = len(names) + np.arange(alone.sum())
    sizes = np.bincount(codes, minlength=1)
    order = np.random.default_rng(contract.split.seed).permutation(len(sizes))
    middle = np.empty(len(sizes))
    middle[order] = np.cumsum(sizes[order]) - sizes[order] / 2
    return _assign(middle / max(len(frame), 1), contract)[codes]


def _at_random(frame: pd.DataFrame, contract: Contract) -> NDArray[np.int8]:
    """Shuffle inside every class, so that each part holds the classes in the same proportion."""
    groups = np.zeros(len(frame), dtype=np.intp)
    if contract.dataset.task == "classification":
        groups, _ = pd.factorize(frame[contract.dataset.target], sort=True)
    shuffled = np.random.default_rng(contract.split.seed).permutation(len(frame))
    place = np.empty(len(frame))
    for group in np.unique(groups):
        members = shuffled[groups[shuffled] == group]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return _assign(place, contract)


def _assign(place: NDArray[np.float64], contract: Contract) -> NDArray[np.int8]:
    """Places from 0 to 1 to parts: the first go to test, the next to validation, the rest train."""
    test, validation = contract.split.test, contract.split.validation
    parts = np.full(len(place), TRAIN, dtype=np.int8)
    parts[place < test + validation] = VALIDATION
    parts[place < test] = TEST
    return parts


def _require_rows(parts: Split, contract: Contract) -> None:
    sizes = {name: len(getattr(parts, name)) for name in ("train", "validation", "test")}
    if empty := [name for name, size in sizes.items() if not size]:
        raise DataError(
            f"the {contract.split.method} split leaves no rows for {' and '.join(empty)} "
            f"({sum(sizes.values())} rows in all); use more data or change [split] in contract.toml"
        )
    if absent := sorted(set(contract.classes) - set(parts.train[contract.dataset.target])):
        raise DataError(
            f"no training row has the class {absent[0]!r} of {contract.dataset.target!r}; "
            "use more data, change [split], or remove it from dataset.classes in contract.toml"
        )
