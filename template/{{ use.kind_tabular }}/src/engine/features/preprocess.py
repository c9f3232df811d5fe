"""What stands between encoded rows and an estimator: filling, scaling, numbers for categories."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from engine.contract.schema import Contract
from engine.features.encode import Inputs


def preprocessing(
    contract: Contract,
    width: int,
    seed: int,
    scale: bool,
    one_hot: int,
    is_sparse: bool = False,
) -> ColumnTransformer:
    """The unfitted preprocessing: columns are given by position, so ONNX sees two packed inputs.

    `width` counts the numbers, derived ones included. A category of more than `one_hot` values
    becomes its place in the list of values, and beside it how the rows of each value turned out:
    shrunk towards all rows, and for training rows learnt from the other folds (Micci-Barreca 2001).
    """
    fills = {
        i: contract.features[name].fill
        for i, name in enumerate(contract.numbers)
        if name in contract.features and contract.features[name].fill is not None
    }

    def numbers(imputer: SimpleImputer) -> Any:
        return make_pipeline(imputer, StandardScaler()) if scale else imputer

    steps: list[tuple[str, Any, list[int]]] = [
        (f"fill_{i}", numbers(SimpleImputer(strategy="constant", fill_value=fill)), [i])
        for i, fill in fills.items()
    ]
    rest = [i for i in range(width) if i not in fills]
    if rest:
        median = SimpleImputer(strategy="median", keep_empty_features=True)
        steps.append(("median", numbers(median), rest))
    for place, name in enumerate(contract.categories):
        for encoder in _encoders(contract, name, seed, one_hot, is_sparse):
            steps.append((f"category_{len(steps)}", encoder, [width + place]))
    return ColumnTransformer(steps)


def _encoders(contract: Contract, name: str, seed: int, one_hot: int, is_sparse: bool) -> list[Any]:
    column = contract.features[name]
    known = [[*column.values, ""] if column.nullable else [*column.values]]
    if len(column.values) <= one_hot:
        return [
            OneHotEncoder(
                categories=known,
                handle_unknown="ignore",
                sparse_output=is_sparse,
                dtype=np.float32,
            )
        ]
    places = OrdinalEncoder(
        categories=known, handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32
    )
    if len(contract.classes) > 2:  # skl2onnx has no converter for an outcome of several classes
        return [places]
    kind = "binary" if contract.classes else "continuous"
    folds = KFold(5, shuffle=True, random_state=seed)
    return [places, TargetEncoder(categories=known, target_type=kind, cv=folds)]


def narrow_encodings(columns: ColumnTransformer) -> None:
    """Make what stands for categories float32, as it is in ONNX: split points see what they saw."""
    for _, encoder, _ in columns.transformers_:
        if isinstance(encoder, TargetEncoder):
            encoder.encodings_ = [np.float32(e).astype(np.float64) for e in encoder.encodings_]
            encoder.target_mean_ = float(np.float32(encoder.target_mean_))


def as_table(inputs: Inputs) -> pd.DataFrame:
    """Both input arrays side by side under their positions."""
    numbers, categories = inputs
    table = pd.concat([pd.DataFrame(numbers), pd.DataFrame(categories, dtype=object)], axis=1)
    return table.set_axis(range(table.shape[1]), axis=1)
