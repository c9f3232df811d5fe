"""A multi-layer perceptron in PyTorch that fits and predicts like any estimator of scikit-learn."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]


class Network(BaseEstimator):  # type: ignore[misc]
    """Layers of ReLU units, trained with AdamW until rows that are not learnt from get no better.

    `hidden` holds the units of each hidden layer, `max_iter` the most epochs. Training ends when
    the loss on the validation rows was not lower by `tol` than the best before for
    `n_iter_no_change` epochs in a row; the weights of the best epoch are kept (early stopping,
    Prechelt 1998). Without validation rows the loss on the training rows is watched.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64, 32),
        max_iter: int = 60,
        learning_rate: float = 0.002,
        weight_decay: float = 0.01,
        batch_size: int = 256,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        random_state: int = 0,
    ) -> None:
        self.hidden = hidden
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def _learn(
        self,
        rows: ArrayLike,
        target: Tensor,
        watched: tuple[ArrayLike, Tensor] | None,
        outputs: int,
        loss: Loss,
    ) -> None:
        """Fit the layers: `loss` compares `target` with what they make of `rows`, [n, outputs].

        `watched` holds the validation rows and their target.
        """
        inputs = as_tensor(rows)
        self.n_features_in_ = inputs.shape[1]
        seen, truth = (as_tensor(watched[0]), watched[1]) if watched else (inputs, target)
        with repeatable(self.random_state):
            self.network_ = layers([inputs.shape[1], *self.hidden, outputs])
            adam = torch.optim.AdamW(
                self.network_.parameters(), self.learning_rate, weight_decay=self.weight_decay
            )
            best, still, kept = float("inf"), 0, copy.deepcopy(self.network_.state_dict())
            for epoch in range(1, self.max_iter + 1):
                order = torch.randperm(len(inputs))
                for batch in order.split(self.batch_size):  # type: ignore[no-untyped-call]
                    adam.zero_grad()
                    error = loss(self.network_(inputs[batch]), target[batch])
                    error.backward()  # type: ignore[no-untyped-call]
                    adam.step()
                with torch.no_grad():
                    now = loss(self.network_(seen), truth).item()
                still = 0 if now < best - self.tol else still + 1
                self.n_iter_ = epoch
                if now < best:
                    best, self.best_iter_ = now, epoch
                    kept = copy.deepcopy(self.network_.state_dict())
                if still >= self.n_iter_no_change:
                    break
            self.network_.load_state_dict(kept)

    def _outputs(self, rows: ArrayLike) -> Tensor:
        """What the last layer says, float32 [n, outputs]."""
        with torch.no_grad(), one_thread():
            found: Tensor = self.network_(as_tensor(rows))
        return found


class NetworkClassifier(ClassifierMixin, Network):  # type: ignore[misc]
    """One output for each class; their softmax are the probabilities."""

    def fit(
        self,
        rows: ArrayLike,
        target: ArrayLike,
        X_val: ArrayLike | None = None,  # noqa: N803 - the names that scikit-learn gives them
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Learn from `rows` [n, inputs] and the class of each; stop on the validation rows."""
        self.classes_ = np.unique(np.asarray(target))

        def positions(given: ArrayLike) -> Tensor:
            return torch.from_numpy(np.searchsorted(self.classes_, np.asarray(given)))

        watched = None if X_val is None or y_val is None else (X_val, positions(y_val))
        outputs = len(self.classes_)
        self._learn(rows, positions(target), watched, outputs, nn.functional.cross_entropy)
        return self

    def predict_proba(self, rows: ArrayLike) -> NDArray[np.float32]:
        """The probability of each class, [n, classes]."""
        return self._outputs(rows).softmax(1).numpy()

    def predict(self, rows: ArrayLike) -> NDArray[Any]:
        """The most likely class of each row."""
        likely: NDArray[Any] = self.classes_[self.predict_proba(rows).argmax(1)]
        return likely


class NetworkRegressor(RegressorMixin, Network):  # type: ignore[misc]
    """One output, in the unit of the target."""

    def fit(
        self,
        rows: ArrayLike,
        target: ArrayLike,
        X_val: ArrayLike | None = None,  # noqa: N803 - the names that scikit-learn gives them
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Learn from `rows` [n, inputs] and the value of each; stop on the validation rows."""
        values = np.asarray(target, dtype=np.float64)
        middle, spread = float(values.mean()), float(values.std()) or 1.0

        def wanted(given: ArrayLike) -> Tensor:
            return as_tensor((np.asarray(given, dtype=np.float64) - middle) / spread)[:, None]

        watched = None if X_val is None or y_val is None else (X_val, wanted(y_val))
        self._learn(rows, wanted(values), watched, 1, nn.functional.mse_loss)
        last = cast(nn.Linear, self.network_[-1])
        with torch.no_grad():  # the last layer brings the values back to their unit
            last.weight.mul_(spread)
            last.bias.mul_(spread).add_(middle)
        return self

    def predict(self, rows: ArrayLike) -> NDArray[np.float32]:
        """The value of each row, [n]."""
        return self._outputs(rows)[:, 0].numpy()


def layers(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers between these sizes, with a ReLU after each but the last."""
    found: list[nn.Module] = []
    for before, after in pairwise(sizes):
        found += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*found[:-1])


def as_tensor(values: ArrayLike) -> Tensor:
    """The same numbers as float32."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """The same bits for the same seed; afterwards PyTorch is as it was before."""
    strict = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=()), one_thread():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums of floats depend on their order, and so on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
