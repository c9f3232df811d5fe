"""Model inputs to scores: imputing, scaling, one-hot encoding and the estimator, fitted as one."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.errors import DataError, SettingsError
from engine.features.derive import derived
from engine.features.encode import Inputs


def fit(
    contract: Contract, inputs: Inputs, target: NDArray[Any], params: dict[str, Any], seed: int
) -> Pipeline:
    """Fit the contract's preprocessing and the chosen family on encoded rows.

    `target` holds class positions (classification) or values (regression), one per row.
    One thread only: sums of floats depend on their order, and a run must repeat bit for bit.
    """
    task = contract.dataset.task
    absent = set(range(len(contract.classes))) - set(np.unique(target)) if contract.classes else ()
    for index in absent:
        raise DataError(
            f"no training row has the class {contract.classes[index]!r}; "
            "add rows, or remove it from dataset.classes in contract.toml"
        )
    own = derived(contract)
    try:
        estimator = app.model().build(task, params, seed)
        with threadpool_limits(1):
            steps = [preprocessing(contract, len(own.names) if own else 0), estimator]
            fitted = make_pipeline(*([own] if own else []), *steps).fit(as_table(inputs), target)
    except (TypeError, ValueError) as error:
        if "param" in str(error) or "argument" in str(error):
            raise SettingsError(f"hyperparameters {params}: {error}") from None
        raise
    _narrow_thresholds(fitted[-1])
    return fitted


def _narrow_thresholds(estimator: Any) -> None:
    """Make the split points of histogram trees float32, as they are in ONNX.

    The next float32 downwards decides every float32 value as before. Rounding to the nearest one,
    which the export would do, moves values that lie on a split point to the other side.
    """
    for tree in (tree for stage in getattr(estimator, "_predictors", ()) for tree in stage):
        exact = tree.nodes["num_threshold"]
        near = exact.astype(np.float32)
        below = np.nextafter(near, np.float32(-np.inf))
        tree.nodes["num_threshold"] = np.where(near > exact, below, near)


def preprocessing(contract: Contract, own: int = 0) -> ColumnTransformer:
    """The unfitted preprocessing: columns are given by position, so ONNX sees two packed inputs.

    `own` is how many derived numbers stand behind those of the contract.
    """
    width = len(contract.numbers) + own
    fills = {
        i: contract.features[name].fill
        for i, name in enumerate(contract.numbers)
        if name in contract.features and contract.features[name].fill is not None
    }
    steps: list[tuple[str, Any, list[int]]] = [
        (f"fill_{i}", _number_steps(SimpleImputer(strategy="constant", fill_value=fill)), [i])
        for i, fill in fills.items()
    ]
    rest = [i for i in range(width) if i not in fills]
    if rest:
        median = SimpleImputer(strategy="median", keep_empty_features=True)
        steps.append(("median", _number_steps(median), rest))
    if contract.categories:
        columns = [contract.features[name] for name in contract.categories]
        known = [[*c.values, ""] if c.nullable else [*c.values] for c in columns]
        encoder = OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
        steps.append(("categories", encoder, list(range(width, width + len(columns)))))
    return ColumnTransformer(steps)


def scores(pipeline: Pipeline, inputs: Inputs) -> NDArray[np.float64]:
    """Scores of the fitted pipeline: [rows, classes] probabilities or [rows, 1] values."""
    table = as_table(inputs)
    with threadpool_limits(1):  # more threads only wait for each other on a few thousand rows
        if hasattr(pipeline, "predict_proba"):
            return np.asarray(pipeline.predict_proba(table))
        return np.asarray(pipeline.predict(table)).reshape(-1, 1)


def as_table(inputs: Inputs) -> pd.DataFrame:
    """Both input arrays side by side under their positions."""
    numbers, categories = inputs
    table = pd.concat([pd.DataFrame(numbers), pd.DataFrame(categories, dtype=object)], axis=1)
    return table.set_axis(range(table.shape[1]), axis=1)


def _number_steps(imputer: SimpleImputer) -> Any:
    return make_pipeline(imputer, StandardScaler()) if app.model().SCALE else imputer
