"""The data keep the contract, and `src/app` gives the engine what it takes."""

from typing import Any

import pandas as pd
import pytest

from engine.contract import app
from engine.contract.app_files import taken
from engine.contract.schema import Contract
from engine.core.errors import AppError, DataError
from engine.data.checks import check_rows, schema

TAKEN = {
    "data": "load",
    "features": "derive",
    "model": "build",
    "metrics": "measure",
    "decide": "decide",
}


def test_the_data_keep_the_contract(contract: Contract, rows: pd.DataFrame) -> None:
    check_rows(rows, contract)


def test_a_wrong_value_is_named_by_column_rule_and_row(
    contract: Contract, rows: pd.DataFrame
) -> None:
    ruled = [name for name, column in schema(contract).columns.items() if column.checks]
    wrong = rows.head(len(ruled)).reset_index(drop=True).astype(dict.fromkeys(ruled, object))
    expected = {}
    for row, name in enumerate(ruled[: len(wrong)]):
        wrong.loc[row, name] = "wrong"
        expected[name] = f"1 row break this, the first is row {row + 2}"

    with pytest.raises(DataError) as caught:
        check_rows(wrong, contract)

    said = str(caught.value).splitlines()
    for name, where in expected.items():
        assert any(f"column {name!r} must be" in line and where in line for line in said), name


@pytest.mark.parametrize("file", TAKEN)
def test_a_file_of_app_gives_what_the_engine_takes(file: str) -> None:
    taken.cache_clear()

    assert callable(getattr(getattr(app, file)(), TAKEN[file]))


@pytest.mark.parametrize(("file", "function"), TAKEN.items())
def test_a_function_of_app_that_is_gone_or_takes_something_else_is_named(
    file: str, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take: Any = getattr(app, file)
    module = take()
    taken.cache_clear()

    monkeypatch.setattr(module, function, lambda: None)
    with pytest.raises(AppError, match=rf"src/app/{file}.py has {function}\(\).* the engine takes"):
        take()
    monkeypatch.delattr(module, function)
    with pytest.raises(AppError, match=rf"src/app/{file}.py has no {function}; the engine takes"):
        take()
