"""Rows that come again: in the whole table, and test rows that also stand among training rows."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.contract.schema import Contract
from engine.data.split import Split


class Copies(NamedTuple):
    """Test rows that repeat a training row in every column."""

    rows: int
    test: int
    apart: tuple[str, ...]
    """Ignored columns that are different in every row, such as keys: they are not compared."""
    by_chance: float
    """The share of test rows that would, were the columns independent of each other."""


def copies(parts: Split, contract: Contract) -> Copies:
    """Hold every test row against all training rows."""
    apart = keys(parts.train, contract)
    train, test = parts.train.drop(columns=list(apart)), parts.test.drop(columns=list(apart))
    rows = _common(test, train)
    return Copies(rows, len(test), apart, _chance(train) if rows else 0.0)


def repeated(frame: pd.DataFrame, contract: Contract) -> int:
    """How many rows of a table repeat an earlier one in every column, keys aside."""
    rows = frame.drop(columns=list(keys(frame, contract)))
    if plain := _plain(rows):
        rows = rows[pd.Series(_hashes(rows[plain])).duplicated(keep=False).to_numpy()]
    return int(rows.duplicated().sum())


def warnings(found: Copies) -> list[str]:
    """What to do about copies, when they are more than plain chance."""
    if not found.rows or found.rows < found.test * max(0.01, 10 * found.by_chance):
        return []
    return [
        f"{said(found)}; where one case was recorded twice, remove one of both rows; where copies "
        'belong together, name dataset.entity and set split.method = "group"'
    ]


def said(found: Copies) -> str:
    """The copies in words."""
    but = f" but {', '.join(map(repr, found.apart))}" if found.apart else ""
    many = f"{found.rows} of {found.test} test rows" if found.rows else "no test row"
    return f"{many} repeat{'' if found.rows else 's'} a training row in every column{but}"


def keys(frame: pd.DataFrame, contract: Contract) -> tuple[str, ...]:
    """Columns that tell every row from every other and that no model sees."""
    data = contract.dataset
    aside = [n for n, c in contract.columns.items() if c.role == "ignored" and n in frame]
    return tuple(
        name
        for name in aside
        if name not in (data.target, data.timestamp) and frame[name].is_unique
    )


def _common(test: pd.DataFrame, train: pd.DataFrame) -> int:
    """Rows of `test` that stand in `train`: numbers first, texts only where these agree."""
    if plain := _plain(test):
        left, right = _hashes(test[plain]), _hashes(train[plain])
        test, train = test[np.isin(left, right)], train[np.isin(right, left)]
    return int(np.isin(_hashes(test), _hashes(train)).sum()) if len(test) else 0


def _plain(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame if frame[name].dtype != object]


def _hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)


def _chance(rows: pd.DataFrame) -> float:
    """How often a row would meet its like among these, were their columns independent."""
    alike = [(rows[name].value_counts(normalize=True, dropna=False) ** 2).sum() for name in rows]
    return float(len(rows) * np.prod(alike))
