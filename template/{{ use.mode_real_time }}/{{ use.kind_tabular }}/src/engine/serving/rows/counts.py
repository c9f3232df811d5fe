"""Counts what the model says of rows, in the form Prometheus reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from engine.registry.predictor import Predictor
from engine.serving.protocol import Json


class Counts:
    """Answers by class or by value, and how features were looked up."""

    def __init__(self, collectors: CollectorRegistry) -> None:
        self._collectors = collectors
        self._labels = Counter(
            "predictions", "Rows by the class the model gave them", ["label"], registry=collectors
        )
        self._by_label: dict[str, Counter] = {}
        self._values: Histogram | None = None
        self._lookups = Counter(
            "feature_lookups",
            "Rows by how a feature table knew their entity",
            ["table", "state"],
            registry=collectors,
        )

    def expect(self, model: Any) -> None:
        """Prepare for answers of this kind: classes start at 0, values fall between deciles."""
        predictor: Predictor = model.predictor
        classes, deciles = predictor.classes, predictor.bundle.manifest.baseline_mix
        self._by_label |= {label: self._labels.labels(label) for label in classes}
        if not classes and self._values is None:
            self._values = Histogram(
                "prediction_value",
                "Values the model gave",
                buckets=sorted(set(deciles)) or (0.0,),
                registry=self._collectors,
            )

    def count(self, answers: Sequence[Json]) -> None:
        """Count what the model said about rows, even if nobody was told to expect it."""
        said: dict[str, int] = {}
        for answer in answers:
            label = answer.get("label")
            if label is not None:
                said[label] = said.get(label, 0) + 1
            elif self._values is not None:
                self._values.observe(answer["value"])
        for label, times in said.items():
            if label not in self._by_label:
                self._by_label[label] = self._labels.labels(label)
            self._by_label[label].inc(times)

    def count_lookups(self, states: Sequence[Mapping[str, str]]) -> None:
        """Count how each table was found for rows: fresh, stale, missing or failed."""
        for state in states:
            for table, found in state.items():
                self._lookups.labels(table, found).inc()
