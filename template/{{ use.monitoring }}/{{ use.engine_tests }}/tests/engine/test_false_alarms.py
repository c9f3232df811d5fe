"""Without drift monitoring stays as quiet as it says: 200 seeded samples for each kind of alarm."""

from pathlib import Path

import numpy as np
from scipy import stats

from engine.contract.read import load_contract
from engine.monitoring import drift, significance
from engine.monitoring import drift as signals
from engine.monitoring import prediction_drift as prediction_mix

from .made_up_log import table

OWN = Path(__file__).parents[2] / "contract.toml"
WINDOWS = 200
# Each kind of alarm has a quarter of the stated rate; it exceeds MOST once in a thousand runs.
MOST = int(stats.binom.ppf(0.999, WINDOWS, significance.FALSE_ALARMS / 4))


def test_inputs_that_did_not_drift_are_quiet() -> None:
    own, chance = load_contract(OWN), np.random.default_rng(0)
    everyone = signals.signals(table(own, 20_000, seed=0), own)

    alarms = 0
    for _ in range(WINDOWS):
        before, now = (everyone.take(chance.integers(len(everyone), size=n)) for n in (1000, 300))
        alarms += any(significance.holm(drift.p_values(before, now)).values())

    assert alarms <= MOST


def test_answers_that_did_not_change_are_quiet() -> None:
    chance, truth = np.random.default_rng(0), np.array([0.75, 0.2, 0.04, 0.01])

    alarms = 0
    for _ in range(WINDOWS):
        expected = chance.multinomial(500, truth)
        now = chance.multinomial(400, truth)
        alarms += significance.category_p(expected, now) < significance.LEVEL

    assert alarms <= MOST


def test_classes_that_are_rare_are_not_called_vanished() -> None:
    chance, truth = np.random.default_rng(0), np.array([0.8, 0.15, 0.049, 0.001])

    alarms = 0
    for _ in range(WINDOWS):
        expected = chance.multinomial(100, truth) / 100
        hours = chance.multinomial(2000, truth, size=24).astype(float)
        alarms += bool(prediction_mix.vanished(hours, expected, 100))

    assert alarms <= MOST


def test_performance_that_did_not_drop_is_quiet() -> None:
    chance, live, tested = np.random.default_rng(0), 200, 1000
    values = chance.random((WINDOWS, live)), chance.random((WINDOWS, tested))

    gaps = values[1].mean(axis=1) - values[0].mean(axis=1)
    errors = values[0].std(axis=1) / live**0.5
    alarms = sum(
        gap > significance.luck(error, live, tested, 50)
        for gap, error in zip(gaps, errors, strict=True)
    )

    assert alarms <= MOST
