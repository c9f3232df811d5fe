"""The features of `src/app/features.py` as an ONNX graph: training runs it, the bundle holds it.

The graph takes the packed inputs of a model and gives them back with the derived numbers behind the
others. As it becomes the first part of model.onnx, training and serving cannot differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import ndonnx as ndx
import numpy as np
import onnxruntime as ort
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.errors import AppError
from engine.features import graphs

FILE = "src/app/features.py"
NUMBERS, CATEGORIES = "numbers", "categories"


class Derived(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The first step of a pipeline: numbers, then categories, to the same with derived numbers."""

    def __init__(self, names: tuple[str, ...], graph: bytes, width: int) -> None:
        self.names, self.graph, self.width = names, graph, width

    def fit(self, table: pd.DataFrame, target: Any = None) -> Self:
        """Nothing is learnt here."""
        del table, target
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table [rows, numbers + categories] with the derived numbers in between."""
        numbers = table.iloc[:, : self.width].to_numpy(np.float32)
        categories = table.iloc[:, self.width :]
        feed = {NUMBERS: numbers, CATEGORIES: categories.to_numpy(object)}
        session = ort.InferenceSession(self.graph, providers=["CPUExecutionProvider"])
        given = {item.name: feed[item.name] for item in session.get_inputs()}
        found: NDArray[np.float32] = session.run([f"all_{NUMBERS}"], given)[0]
        whole = pd.concat([pd.DataFrame(found), categories.set_axis(table.index, axis=0)], axis=1)
        return whole.set_axis(range(whole.shape[1]), axis=1)

    def before(self, exported: bytes) -> bytes:
        """An exported model that takes what this step gives, as one that takes what it is given."""
        takes = {name: f"all_{name}" for name in (NUMBERS, CATEGORIES)}
        return graphs.joined(self.graph, exported, takes, "model_")


class Columns(Mapping[str, ndx.Array]):
    """The columns of packed arrays by name; only those that are asked for are traced."""

    def __init__(self, packed: Sequence[ndx.Array], names: Sequence[tuple[str, ...]]) -> None:
        self._places = {
            name: (array, place)
            for array, listed in zip(packed, names, strict=True)
            for place, name in enumerate(listed)
        }

    def __getitem__(self, name: str) -> ndx.Array:
        array, place = self._places[name]
        return array[:, place : place + 1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def derived(contract: Contract) -> Derived | None:
    """What `derive` makes of the contract's columns, traced; None when it derives nothing.

    Raises AppError naming what fails, or is no number of shape (rows, 1).
    """
    names = (contract.numbers, contract.categories)
    packed = [
        ndx.argument(shape=("rows", len(columns)), dtype=kind)
        for columns, kind in zip(names, (ndx.float32, ndx.utf8), strict=True)
    ]
    columns = Columns(packed, names)
    try:
        found = dict(app.features().derive(columns))
    except AppError:
        raise
    except Exception as error:  # code of the owner can raise anything
        kind = type(error).__name__
        raise AppError(f"{FILE}: derive fails with {kind}: {error}") from error
    if not found:
        return None
    numbers = [_number(name, array, columns) for name, array in found.items()]
    inputs = {
        name: array
        for name, array, listed in zip((NUMBERS, CATEGORIES), packed, names, strict=True)
        if listed
    }
    whole = ndx.concat([*([packed[0]] if contract.numbers else []), *numbers], axis=1)
    outputs = {f"all_{NUMBERS}": whole}
    if contract.categories:
        outputs[f"all_{CATEGORIES}"] = packed[1]
    graph = ndx.build(inputs, outputs)
    step = Derived(tuple(found), graph.SerializeToString(deterministic=True), len(names[0]))
    _try_out(step, contract)
    return step


def _number(name: str, array: Any, columns: Columns) -> Any:
    """A derived feature as float32."""
    if name in columns:
        raise AppError(f"{FILE}: derive returns {name!r}, which is a column of the contract")
    if not isinstance(array, ndx.Array):
        raise AppError(f"{FILE}: derive returns {array!r} for {name!r}; an array is needed")
    if array.dtype == ndx.utf8 or array.dtype == ndx.nutf8:
        raise AppError(
            f"{FILE}: derive returns texts for {name!r}; a derived feature is a number, or true "
            "and false, such as columns[...] == ..."
        )
    if array.ndim != 2:
        raise AppError(f"{FILE}: {name!r} has {array.ndim} dimensions; (rows, 1) is needed")
    return ndx.astype(array, ndx.float32)


def _try_out(step: Derived, contract: Contract) -> None:
    """Run the graph on rows with values and on rows without."""
    numbers = pd.DataFrame(np.repeat([[1.0], [0.0], [np.nan]], step.width, axis=1))
    texts = pd.DataFrame([[""] * len(contract.categories)] * len(numbers), dtype=object)
    table = pd.concat([numbers, texts], axis=1)
    try:
        found = step.transform(table.set_axis(range(table.shape[1]), axis=1))
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise AppError(f"{FILE}: what derive computes cannot be run: {error}") from None
    if found.shape != (len(numbers), table.shape[1] + len(step.names)):
        raise AppError(
            f"{FILE}: one of {', '.join(step.names)} has more or less than one value for each row; "
            "(rows, 1) is needed"
        )
