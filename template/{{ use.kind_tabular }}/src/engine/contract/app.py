"""What the engine takes from `src/app`: a Protocol for each file, and a clear word where one lacks.

A file of `app` may hold more than its Protocol asks for. `python3 run.py check` holds the types
against it, and every command that needs a file holds the names and arguments.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from engine.contract.app_files import taken
from engine.contract.schema import Contract

if TYPE_CHECKING:  # a serving image has none of them
    import ndonnx as ndx
    import optuna
    import pyarrow as pa
    from sklearn.base import BaseEstimator

Scores = NDArray[np.floating[Any]]
Message = MutableMapping[str, Any]
ASGI = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class Data(Protocol):
    """`app/data.py`: where rows come from."""

    def load(self, contract: Contract) -> "pa.Table":
        """The rows, with the columns that the contract names; others are left alone."""


class Features(Protocol):
    """`app/features.py`: features of one's own, traced into model.onnx."""

    def derive(self, columns: Mapping[str, "ndx.Array"]) -> Mapping[str, "ndx.Array"]:
        """Further features by name, each of shape (rows, 1), from the columns of the contract."""


class Model(Protocol):
    """`app/model.py`: the model that is fitted."""

    FAMILY: str
    """Its name in records and reports."""
    SCALE: bool
    """Whether numbers are scaled before they reach it."""
    ONE_HOT: int
    """A category of more values than this reaches it as one number: how their rows turned out."""

    def build(self, task: str, params: dict[str, Any], seed: int, rows: int) -> "BaseEstimator":
        """An unfitted estimator for "classification" or "regression".

        What `params` leave open may follow `rows`, the number of training rows. One whose `fit`
        takes `X_val` and `y_val` is given the validation rows, to stop on.
        """

    def search(self, trial: "optuna.Trial", task: str, rows: int) -> dict[str, Any]:
        """The hyperparameters that one trial of `python3 run.py tune` tries."""


class Metrics(Protocol):
    """`app/metrics.py`: metrics of one's own; the contract's gates may name them."""

    HIGHER_IS_BETTER: dict[str, bool]
    """Each of them by name: whether more is better."""

    def measure(
        self, contract: Contract, target: NDArray[Any], scores: Scores
    ) -> Mapping[str, float]:
        """Their values. `target` [rows] holds class positions or values, `scores` [rows, n]."""


class Decide(Protocol):
    """`app/decide.py`: from the probabilities of a classification to an answer."""

    def decide(
        self, said: NDArray[np.intp], scores: Scores, classes: Sequence[str]
    ) -> NDArray[np.intp]:
        """The position of the class that each row gets, given what the contract says of it."""


class Routes(Protocol):
    """`app/routes.py`: HTTP paths of one's own, where predictions are served in real time."""

    application: ASGI | None
    """Any ASGI application; it is asked for every path that is not the engine's."""


if TYPE_CHECKING:  # what the type checker says of these lines, it says of the files of src/app
    import app.data
    import app.decide
    import app.features
    import app.metrics
    import app.model

    _DATA: Data = app.data
    _FEATURES: Features = app.features
    _MODEL: Model = app.model
    _METRICS: Metrics = app.metrics
    _DECIDE: Decide = app.decide


def data() -> Data:
    """Where rows come from."""
    return cast(Data, taken("data", Data))


def features() -> Features:
    """Features of one's own."""
    return cast(Features, taken("features", Features))


def model() -> Model:
    """The model that is fitted."""
    return cast(Model, taken("model", Model))


def metrics() -> Metrics:
    """Metrics of one's own."""
    return cast(Metrics, taken("metrics", Metrics))


def decide() -> Decide:
    """From probabilities to an answer."""
    return cast(Decide, taken("decide", Decide))


def routes() -> Routes:
    """HTTP paths of one's own."""
    return cast(Routes, taken("routes", Routes))
