"""The network learns what no straight line can, repeats itself, and is exported as it is."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from skl2onnx import to_onnx

from app import model
from engine.training.network import estimator as network


def crossed(rows: int = 2000) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two numbers, and whether they have the same sign: the corners of a square, crosswise."""
    numbers = np.random.default_rng(0).normal(size=(rows, 2)).astype(np.float32)
    return numbers, (numbers[:, 0] * numbers[:, 1] > 0).astype(np.int64)


def fitted(task: str, seed: int = 0, **params: Any) -> Any:
    """A network that has seen the crossed rows."""
    rows, target = crossed()
    return model.build(task, params, seed, 2000).fit(rows, target + 5.0 * (task == "regression"))


def weights(estimator: Any) -> list[bytes]:
    return [values.detach().numpy().tobytes() for values in estimator.network_.parameters()]


def test_it_learns_what_is_not_a_straight_line() -> None:
    rows, target = crossed()

    assert fitted("classification").score(rows, target) > 0.95
    assert fitted("regression").score(rows, target + 5.0) > 0.8


def test_the_same_seed_gives_the_same_bits_whatever_was_done_before() -> None:
    first = weights(fitted("classification", seed=3))
    torch.rand(5)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)

    again, other = weights(fitted("classification", seed=3)), weights(fitted("classification"))
    torch.set_num_threads(threads)

    assert again == first
    assert other != first


def test_training_leaves_pytorch_as_it_was() -> None:
    def state() -> tuple[bytes, int, bool]:
        strict = torch.are_deterministic_algorithms_enabled()
        return torch.get_rng_state().numpy().tobytes(), torch.get_num_threads(), strict

    before = state()
    fitted("classification", max_iter=1)

    assert state() == before


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_export_says_the_same(task: str) -> None:
    estimator, rows = fitted(task, max_iter=5), crossed(300)[0]
    names = {id(estimator): {"zipmap": False}} if task == "classification" else None

    exported = to_onnx(estimator, rows[:1], options=names, target_opset={"": 21, "ai.onnx.ml": 3})
    said = onnxruntime.InferenceSession(exported.SerializeToString()).run(None, {"X": rows})

    if task == "classification":
        assert (said[0] == estimator.predict(rows)).all()
        assert np.abs(said[1] - estimator.predict_proba(rows)).max() < 1e-6
    else:
        assert np.abs(said[0][:, 0] - estimator.predict(rows)).max() < 1e-5


def test_values_come_in_the_unit_of_the_target() -> None:
    rows, target = crossed()
    estimator = model.build("regression", {}, 0, 2000).fit(rows, 1000.0 + 200.0 * target)

    assert estimator.predict(rows).mean() == pytest.approx(1100, abs=20)


def test_training_ends_when_the_loss_stands_still() -> None:
    assert fitted("classification", max_iter=30, tol=10.0, n_iter_no_change=2).n_iter_ == 3
    assert fitted("classification", max_iter=7, tol=0.0, n_iter_no_change=7).n_iter_ == 7


def test_the_weights_of_the_epoch_that_the_validation_rows_liked_best_are_kept() -> None:
    rows, target = crossed(200)
    noisy = np.where(np.random.default_rng(1).random(200) < 0.3, 1 - target, target)
    other, truth = crossed(1000)
    build = {"hidden": [64, 64], "max_iter": 80, "learning_rate": 0.01, "n_iter_no_change": 80}

    stopped = model.build("classification", build, 0, 200).fit(rows, noisy, other, truth)
    until_the_end = model.build("classification", build, 0, 200).fit(rows, noisy)

    assert stopped.best_iter_ < stopped.n_iter_ == 80
    assert stopped.score(other, truth) > until_the_end.score(other, truth)


def test_a_constant_target_is_learnt_and_not_divided_by_zero() -> None:
    rows, _ = crossed(50)

    assert np.isfinite(network.NetworkRegressor().fit(rows, np.full(50, 3.0)).predict(rows)).all()


def test_an_unknown_hyperparameter_is_refused() -> None:
    with pytest.raises(TypeError, match="no_such_thing"):
        model.build("classification", {"no_such_thing": 1}, 0, 2000)
