"""A bundle answers rows, alone and together, or with its declared fallback."""

import os
import subprocess
import sys
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.contract import example_rows as examples
from engine.core.errors import BundleError
from engine.registry import predictor
from engine.registry.bundle import Bundle
from engine.registry.registry import Registry

from .made_up import decoded


def rows_of(model: Any, count: int) -> list[tuple[Any, ...]]:
    """Rows that the contract allows, as the model takes them."""
    return decoded(model.contract, examples.rows(model.contract, count))


def test_rows_get_the_same_scores_alone_and_together(predictor_of: Any) -> None:
    rows = rows_of(predictor_of, 20)

    together = predictor_of.score(rows)
    alone = np.vstack([predictor_of.score([row]) for row in rows])

    assert together.shape == (20, max(len(predictor_of.classes), 1))
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_the_label_is_what_the_contract_says_of_the_probabilities(predictor_of: Any) -> None:
    answers = predictor_of.answers(predictor_of.score(rows_of(predictor_of, 20)))

    for answer in answers:
        if predictor_of.classes:
            shares = answer["probabilities"]
            if predictor_of.contract.threshold is None:
                assert shares[answer["label"]] == max(shares.values())
            else:
                positive = predictor_of.contract.positive
                reached = shares[positive] >= np.float32(predictor_of.contract.threshold)
                assert reached == (answer["label"] == positive)
            assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        else:
            assert isinstance(answer["value"], float)


def test_the_fallback_gives_every_row_the_answer_of_the_baseline(predictor_of: Any) -> None:
    scores = predictor_of.fallback(3)

    assert scores.tolist() == [predictor_of.bundle.manifest.fallback] * 3
    assert len(predictor_of.answers(scores)) == 3


def test_bytes_that_are_no_model_are_refused_as_a_bundle_error(bundle_store: Any) -> None:
    _, good = Registry(bundle_store).load()
    broken: Bundle = msgspec.structs.replace(good, model=b"not a model")

    with pytest.raises(BundleError, match="cannot be opened"):
        predictor.Predictor(broken)


def test_the_runtime_is_told_to_report_nothing_before_it_is_loaded() -> None:
    """Without this, half a minute after the first session, it calls a server of its maker."""
    name = "ORT_DISABLE_TELEMETRY"
    script = (
        f"import os, sys; sys.path[:0] = {sys.path!r}; import engine;"
        f" print(os.environ[{name!r}], 'onnxruntime' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key != name}

    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )

    assert done.stdout.split() == ["1", "False"], done.stderr
