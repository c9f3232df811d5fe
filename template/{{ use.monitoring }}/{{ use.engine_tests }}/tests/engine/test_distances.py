"""Distances are those of the definitions, whichever option measures them: so all options agree."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from engine.monitoring import distances

CATEGORIES = ("a", "b", "c", "never seen")


def wasserstein(before: NDArray[Any], now: NDArray[Any]) -> float:
    """The area between the two distribution functions, in standard deviations of the first."""
    places = np.unique(np.concatenate([before, now]))
    gap = [np.searchsorted(np.sort(v), places, "right") / len(v) for v in (before, now)]
    area = float(np.abs(gap[0] - gap[1])[:-1] @ np.diff(places))
    return area / max(before.std(), 0.001)


def jensen_shannon(before: NDArray[Any], now: NDArray[Any]) -> float:
    """The root of the mean divergence from the mean of both; `before` and `now` are counts."""
    shares = [counts / counts.sum() for counts in (before, now)]
    middle = (shares[0] + shares[1]) / 2
    parts = [s[s > 0] * np.log(s[s > 0] / middle[s > 0]) for s in shares]
    return float(np.sqrt(sum(part.sum() for part in parts) / 2))


def table(rows: int, seed: int, shift: float, gaps: float) -> Any:
    """Numbers of several kinds and categories, with gaps."""
    chance = np.random.default_rng(seed)
    numbers = {
        "even": chance.normal(shift, 1, rows),
        "skewed": chance.lognormal(shift, 2, rows),
        "repeated": chance.poisson(3 + shift, rows).astype(float),
        "large": chance.normal(1e9 + shift * 1e6, 1e6, rows),
        "tiny": chance.normal(shift * 1e-5, 1e-5, rows),
        "once constant": chance.integers(7, 8 if seed == 0 else 9, rows).astype(float),
    }
    for values in numbers.values():
        values[chance.random(rows) < gaps] = np.nan
    codes = {
        "category": chance.choice(3, rows, p=[0.7, 0.3 - shift / 4, shift / 4]),
        "one category": np.ones(rows, dtype=int),
        "another category": np.full(rows, min(seed, 3)),
    }
    kind = pd.CategoricalDtype(list(CATEGORIES))
    for name, places in codes.items():
        known = np.where(chance.random(rows) < gaps, -1, places)
        numbers[name] = pd.Categorical.from_codes(known, dtype=kind)
    return pd.DataFrame(numbers)


def counts(values: Any) -> NDArray[Any]:
    return np.array([(values == name).sum() for name in CATEGORIES])


@pytest.mark.parametrize("gaps", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("rows", [150, 20_000])
@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_a_distance_is_that_of_its_definition(shift: float, rows: int, gaps: float) -> None:
    reference, current = table(1000, 0, 0.0, gaps), table(rows, 1, shift, gaps)

    found, _ = distances.measure(reference, current)

    assert found.keys() == {*reference}
    for name, distance in found.items():
        before, now = reference[name], current[name]
        if before.dtype == np.float64:
            expected = wasserstein(before.dropna().to_numpy(), now.dropna().to_numpy())
        else:
            expected = jensen_shannon(counts(before), counts(now))
        assert distance == pytest.approx(expected, rel=1e-6, abs=1e-6), name
