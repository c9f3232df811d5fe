"""Our counters among Triton's, so that one path has all of them for Prometheus.

The names and labels are those of the HTTP server, so its alert rules and its dashboard hold. Each
bucket of a histogram is a counter here.
"""

import threading
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Metric

SECONDS = 1.0  # between two looks


class Shown:
    """Brings what a registry counts to Triton, as long as the process lives."""

    def __init__(self, triton: Any, collectors: CollectorRegistry) -> None:
        self._triton, self._collectors = triton, collectors
        self._families: dict[str, Any] = {}
        self._metrics: dict[tuple[str, tuple[tuple[str, str], ...]], Any] = {}
        self._last: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look once more, and no more after that; Triton takes the metrics back."""
        self._end.set()
        self._thread.join()
        self.look()
        self._metrics.clear()
        self._families.clear()

    def look(self) -> None:
        """Hand over what changed since the last look."""
        present = set()
        for family in self._collectors.collect():
            for name, labels, value, is_counter in _samples(family):
                key = (name, tuple(sorted(labels.items())))
                present.add(key)
                self._hand_over(key, family, value, is_counter)
        for key in [*self._metrics.keys() - present]:  # such as the version that answered before
            del self._metrics[key], self._last[key]

    def _hand_over(self, key: Any, family: Metric, value: float, is_counter: bool) -> None:
        if key not in self._metrics:
            name, labels = key
            if name not in self._families:
                kind = self._triton.MetricFamily
                self._families[name] = kind(
                    name=name,
                    description=family.documentation,
                    kind=kind.COUNTER if is_counter else kind.GAUGE,
                )
            self._metrics[key] = self._families[name].Metric(labels=dict(labels))
            self._last[key] = 0.0
        if value != self._last[key]:
            metric = self._metrics[key]
            metric.increment(value - self._last[key]) if is_counter else metric.set(value)
            self._last[key] = value

    def _work(self) -> None:
        self.look()
        while not self._end.wait(SECONDS):
            self.look()


def _samples(family: Metric) -> Iterator[tuple[str, dict[str, str], float, bool]]:
    is_counter = family.type in ("counter", "histogram")
    for sample in family.samples:
        yield sample.name, sample.labels, sample.value, is_counter
