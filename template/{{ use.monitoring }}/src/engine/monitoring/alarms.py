"""What monitoring found, which of it is an alarm, and whether a new model would help."""

from dataclasses import dataclass, field

from engine.monitoring.drift import Check
from engine.monitoring.log import Window
from engine.monitoring.performance import Performance
from engine.monitoring.prediction_drift import Mix
from engine.monitoring.protocol import Report
from engine.monitoring.significance import LEAST_ROWS

FALLBACK_SHARE, FALLBACK_ROWS = 0.01, 5  # a healthy model leaves it none; a slow start may

SHOWN = 4  # details of one alarm; the report has them all

NAMES = {
    "InputDrift": "rows differ from those the champion was trained on",
    "PredictionDrift": "the champion's answers fall differently than on its test rows",
    "PredictionClassVanished": "a class was not given for an hour although it should have been",
    "FallbackInUse": "the fallback answers instead of the model",
    "OutcomePerformanceDrop": "the champion is worse in real life than on its test rows",
}


@dataclass(frozen=True)
class Alarm:
    """Something a person should look at."""

    name: str
    detail: str
    fault: bool = False
    """Whether it looks like a fault to mend rather than a world that changed."""


@dataclass
class Findings:
    """All that monitoring found in one window."""

    window: Window
    version: int
    run_id: str
    checks: list[Check]
    mix: Mix
    performance: Performance
    drift_report: Report | None = None
    """What the seam `monitoring` has to show on the inputs, if anything."""
    alarms: list[Alarm] = field(init=False)

    def __post_init__(self) -> None:
        self.alarms = [*self._inputs(), *self._answers(), *self._outcomes()]

    @property
    def fallback_share(self) -> float:
        """The part of the window's rows that the fallback answered."""
        return self.window.fallbacks / max(self.window.count, 1)

    @property
    def retrain(self) -> tuple[bool, str]:
        """Whether to train again, and why.

        Never on broken data; when outcomes say that the model holds, drift alone is no reason
        either. Monitoring does not train: new rows must reach `dataset.source` first.
        """
        names = ", ".join(dict.fromkeys(alarm.name for alarm in self.alarms if not alarm.fault))
        if faults := [alarm for alarm in self.alarms if alarm.fault]:
            return False, f"mend this first: {faults[0].name}: {faults[0].detail}"
        if self.performance.dropped:
            return True, names
        held = self.performance
        if names and held.value is not None:
            return (
                False,
                f"{names}, but {held.metric} holds at {held.value:.4g} on {held.rows} outcomes",
            )
        if names:
            return True, f"{names}, and no outcomes show that the champion still holds"
        if not self.checks:
            return False, f"nothing can be told: {_uncompared(self.window)}"
        return False, "nothing changed"

    def lines(self) -> list[str]:
        """The findings as text, one line for each kind of alarm and one on retraining."""
        raised = {alarm.name for alarm in self.alarms}
        found = [
            f"{'ALARM' if name in raised else 'quiet'}  {name:<24} {self._said(name)}"
            for name in NAMES
            if name != "PredictionClassVanished" or self.mix.of_classes
        ]
        again, why = self.retrain
        return [*found, f"retrain: {'yes' if again else 'no'}, because {why}"]

    def summary(self) -> str:
        """The alarms in a sentence, each kind once."""
        raised = dict.fromkeys(alarm.name for alarm in self.alarms)
        return "; ".join(f"{name}: {self._said(name)}" for name in raised)

    def _said(self, name: str) -> str:
        if details := [alarm.detail for alarm in self.alarms if alarm.name == name]:
            more = len(details) - SHOWN
            return "; ".join([*details[:SHOWN], *([f"and {more} more"] if more > 0 else [])])
        if name == "InputDrift" and not self.checks:
            return _uncompared(self.window)
        if name == "InputDrift":
            far = max(self.checks, key=lambda check: check.distance)
            return (
                f"{len(self.checks)} checks, farthest: {far.column} {far.what} {far.distance:.2g}"
            )
        if name == "FallbackInUse":
            return f"{self.fallback_share:.1%} of {self.window.size}"
        if name == "OutcomePerformanceDrop":
            return self.performance.note or _performance(self.performance)
        if name == "PredictionClassVanished" and not self.window.labels:
            return "no classes were given"
        if name == "PredictionClassVanished":
            return f"none of {len(self.mix.parts)} was missing in an hour that could tell"
        return self.mix.note or f"{self.mix.rows} answers, distance {self.mix.distance:.2g}"

    def _inputs(self) -> list[Alarm]:
        return [
            Alarm(
                "InputDrift",
                f"{c.column}: {c.detail} (distance {c.distance:.2g}, p {c.p:.1g})",
                c.fault,
            )
            for c in sorted(self.checks, key=lambda check: -check.distance)
            if c.drifted
        ]

    def _answers(self) -> list[Alarm]:
        found, mix = [], self.mix
        if mix.drifted:
            worst = max(range(len(mix.parts)), key=lambda i: abs(mix.shares[i] - mix.expected[i]))
            change = f"{mix.parts[worst]} {mix.expected[worst]:.1%} -> {mix.shares[worst]:.1%}"
            found.append(Alarm("PredictionDrift", f"{change} (distance {mix.distance:.2g})"))
        found += [
            Alarm("PredictionClassVanished", f"no {name!r} for an hour") for name in mix.vanished
        ]
        if self.fallback_share >= FALLBACK_SHARE and self.window.fallbacks >= FALLBACK_ROWS:
            share = f"{self.fallback_share:.1%} of {self.window.size}"
            found.append(Alarm("FallbackInUse", share, fault=True))
        return found

    def _outcomes(self) -> list[Alarm]:
        if not self.performance.dropped:
            return []
        return [Alarm("OutcomePerformanceDrop", _performance(self.performance))]


def _uncompared(window: Window) -> str:
    """Why no input was compared with the reference."""
    if window.count < LEAST_ROWS:
        return f"{window.size}, {LEAST_ROWS} are needed"
    return (
        f"nothing was compared: a column needs {LEAST_ROWS} values here and in the reference, and "
        "times and personal columns are left alone"
    )


def _performance(found: Performance) -> str:
    days = found.delay.total_seconds() / 86400 if found.delay else 0.0
    return (
        f"{found.metric} {found.value:.4g} on {found.rows} outcomes, which took {days:.1f} days; "
        f"{found.expected:.4g} on the test rows"
    )
