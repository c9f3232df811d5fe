"""How far a window lies from the reference: over every row, by SciPy, which the tests need anyway.

The option of the seam `monitoring` that brings no package and no page of its own.
"""

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from engine.monitoring.protocol import Report

FILES: tuple[str, ...] = ()
LEAST_SPREAD = 0.001  # stands for the standard deviation of a number that never changed


def measure(
    reference: pd.DataFrame, current: pd.DataFrame
) -> tuple[dict[str, float], Report | None]:
    """Wasserstein distances of numbers, Jensen-Shannon distances (Lin 1991) of categories."""
    return {name: _distance(reference[name], current[name]) for name in map(str, reference)}, None


def _distance(reference: pd.Series, current: pd.Series) -> float:
    if reference.dtype == np.float64:
        before, now = (values[np.isfinite(values)] for values in (reference, current))
        spread = max(float(before.std(ddof=0)), LEAST_SPREAD)
        return float(wasserstein_distance(before, now) / spread)
    counts = (values.value_counts(sort=False) for values in (reference, current))
    return float(np.nan_to_num(jensenshannon(*counts)))  # of equal shares it may be the root of -0
