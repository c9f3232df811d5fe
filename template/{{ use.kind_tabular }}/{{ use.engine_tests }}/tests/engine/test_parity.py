"""The exported model decides like the fitted one, even where a value lies on a split point."""

import numpy as np
import onnxruntime
import pytest

from engine.contract.read import parse_contract
from engine.training import export as convert
from engine.training import pipeline

TEXT = """
[dataset]
source = "rows.csv"
target = "y"
task = "regression"
[split]
[columns.x]
type = "number"
[gates]
metric = "r2"
floor = 0
"""


@pytest.mark.parametrize("step", [0.1, 0.01, 1 / 3])
def test_values_between_those_learnt_from_fall_on_the_same_side(step: float) -> None:
    how = parse_contract(TEXT)
    grid = (np.arange(150) * step).astype(np.float32).reshape(-1, 1)
    none = np.empty((len(grid), 0), dtype=object)
    fitted = pipeline.fit(
        how,
        (np.repeat(grid, 20, 0), np.repeat(none, 20, 0)),
        np.tile(np.arange(20.0), 150) / 100 + np.repeat(np.arange(150) % 7, 20),
        {},
        0,
    )
    middle = ((grid[1:] + grid[:-1]) / 2).astype(np.float32)
    probes = np.vstack([middle, np.nextafter(middle, np.float32(np.inf)), grid])

    session = onnxruntime.InferenceSession(convert.to_onnx(fitted, how))
    exported = session.run(None, {"numbers": probes})[-1]

    own = pipeline.scores(fitted, (probes, np.empty((len(probes), 0), dtype=object)))
    assert np.abs(exported.reshape(-1) - own.reshape(-1)).max() < 1e-4
