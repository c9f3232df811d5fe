"""Model inputs to scores: preprocessing and an estimator, fitted one after the other."""

import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.errors import DataError, SettingsError
from engine.features.derive import derived
from engine.features.encode import Inputs
from engine.features.preprocess import as_table, narrow_encodings, preprocessing

# Training values, rows times columns: of a larger table a model learns from some rows. With a
# million rows of 25 columns boosting had 0.0008 more ROC AUC than with half of them, in
# twice the time.
FIT_CELLS = 20_000_000
FIT_CASES = 10_000  # rows of a class, which are not thinned out further
TRAINING_ROWS = "training_rows"  # the hyperparameter that says another number
WATCHED_ROWS = 100_000  # validation rows to stop on: more of them only take time
REFERENCE_ROWS = 50_000  # more of them move a linear model's metrics in the third digit
REFERENCE_STEPS = 300


@dataclass(frozen=True)
class Part:
    """Rows as a model takes them, with what they teach.

    `target` holds class positions (classification) or values (regression), one per row.
    """

    inputs: Inputs
    target: NDArray[Any]


def taught(contract: Contract, training: Part, params: dict[str, Any], seed: int) -> Part:
    """The training rows that a model learns from: all, or of a large table some that `seed` picks.

    `training_rows` among the hyperparameters says how many; without it at most FIT_CELLS values, as
    long as that leaves FIT_CASES rows of each class. Raises SettingsError when it is no number.
    """
    rows = len(training.target)
    most = params.get(TRAINING_ROWS)
    if most is None:
        share = FIT_CELLS / (rows * (len(contract.numbers) + len(contract.categories)))
        if contract.classes:
            share = max(share, FIT_CASES / max(int(np.bincount(training.target).min()), 1))
        return _some(training, int(rows * min(share, 1)), seed)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise SettingsError(f"hyperparameter {TRAINING_ROWS} is {most!r}; a whole number is needed")
    return _some(training, most, seed)


def _some(part: Part, most: int, seed: int) -> Part:
    """At most so many rows, picked at random, in their order."""
    rows = len(part.target)
    if rows <= most:
        return part
    picked = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    numbers, categories = part.inputs
    return Part((numbers[picked], categories[picked]), part.target[picked])


def fit(
    contract: Contract, training: Part, validation: Part, params: dict[str, Any], seed: int
) -> Pipeline:
    """Fit the contract's preprocessing and the chosen family on encoded rows."""
    model, task = app.model(), contract.dataset.task
    params = {name: value for name, value in params.items() if name != TRAINING_ROWS}
    absent = set(range(len(contract.classes))) - set(np.unique(training.target))
    for index in absent if contract.classes else ():
        raise DataError(
            f"no training row has the class {contract.classes[index]!r}; "
            "add rows, or remove it from dataset.classes in contract.toml"
        )
    try:
        estimator = model.build(task, params, seed, len(training.target))
        return assemble(contract, estimator, training, validation, seed, model.SCALE, model.ONE_HOT)
    except (TypeError, ValueError) as error:
        if "param" in str(error) or "argument" in str(error):
            raise _refused(params, error, lambda: model.build(task, {}, seed, 1)) from None
        raise


def _refused(
    params: dict[str, Any], error: Exception, usual: Callable[[], BaseEstimator]
) -> SettingsError:
    """What is wrong with hyperparameters; of a name that the estimator does not know, the nearest.

    `usual` builds the estimator that other names are read from.
    """
    way_out = "in params.toml, or behind --set"
    if unknown := re.search(r"unexpected keyword argument '(\w+)'", str(error)):
        name, known = unknown[1], sorted(usual().get_params())
        near = get_close_matches(name, known, 1)
        ask = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
        return SettingsError(f"there is no hyperparameter {name!r}; {ask} It stands {way_out}")
    return SettingsError(f"hyperparameters {params}: {error} They stand {way_out}")


def assemble(
    contract: Contract,
    estimator: Any,
    training: Part,
    validation: Part,
    seed: int,
    scale: bool,
    one_hot: int,
) -> Pipeline:
    """Fit the preprocessing that an estimator needs, then the estimator behind it.

    One that takes validation rows as `X_val` and `y_val`, as scikit-learn's boosting does, gets
    at most WATCHED_ROWS of them to stop on. One thread only: sums of floats depend on their order,
    and a run must repeat bit for bit.
    """
    own = derived(contract)
    width = len(contract.numbers) + (len(own.names) if own else 0)
    is_sparse = get_tags(estimator).input_tags.sparse
    columns = preprocessing(contract, width, seed, scale, one_hot, is_sparse)
    before = make_pipeline(*([own] if own else []), columns)
    with threadpool_limits(1):
        learnt = before.fit_transform(as_table(training.inputs), training.target)
        narrow_encodings(columns)
        watched = {}
        if has_fit_parameter(estimator, "X_val") and getattr(estimator, "early_stopping", True):
            some = _some(validation, WATCHED_ROWS, seed)
            rows = before.transform(as_table(some.inputs))
            watched = {"X_val": rows, "y_val": some.target}
        estimator.fit(learnt, training.target, **watched)
    _narrow_thresholds(estimator)
    return make_pipeline(*(step for _, step in before.steps), estimator)


def linear_reference(
    contract: Contract, training: Part, validation: Part, seed: int
) -> tuple[Pipeline, int]:
    """What a plain linear model makes of the same columns: logistic regression, or ridge.

    Scaled numbers, one-hot categories, the penalty of scikit-learn's defaults. Learnt from at most
    REFERENCE_ROWS training rows, picked by `seed`; returns how many.
    """
    training = _some(training, REFERENCE_ROWS, seed)
    plain = LogisticRegression(max_iter=REFERENCE_STEPS) if contract.classes else Ridge()
    with warnings.catch_warnings():
        # near enough for a comparison, where a class can be told apart without an error
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = assemble(contract, plain, training, validation, seed, scale=True, one_hot=10_000)
    return fitted, len(training.target)


def is_linear(fitted: Pipeline) -> bool:
    """Whether the model is of the kind that the linear reference is."""
    return isinstance(fitted[-1], LogisticRegression | Ridge)


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


def hyperparameters(estimator: Any) -> dict[str, Any]:
    """What a fitted estimator has that is not its library's default, and the rounds it took."""
    usual = inspect.signature(type(estimator)).parameters
    found = {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if isinstance(value, bool | int | float | str | list | tuple)
        and name not in ("random_state", "verbose")
        and (name not in usual or value != usual[name].default)
    }
    rounds = getattr(estimator, "n_iter_", None)
    return found | ({} if rounds is None else {"n_iter_": int(np.max(rounds))})


def scores(pipeline: Pipeline, inputs: Inputs) -> NDArray[np.float64]:
    """Scores of the fitted pipeline: [rows, classes] probabilities or [rows, 1] values."""
    table = as_table(inputs)
    with threadpool_limits(1):  # more threads only wait for each other on a few thousand rows
        if hasattr(pipeline, "predict_proba"):
            return np.asarray(pipeline.predict_proba(table))
        return np.asarray(pipeline.predict(table)).reshape(-1, 1)
