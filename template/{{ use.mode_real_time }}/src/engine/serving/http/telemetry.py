"""What the server counts, in the form Prometheus reads."""

from collections.abc import Callable, Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Named(Collector):
    """What a registry holds, with the project's name: others may share the Prometheus."""

    def __init__(self, collectors: CollectorRegistry, project: str) -> None:
        self._collectors, self._project = collectors, project

    def collect(self) -> Iterator[Metric]:
        """Name the project when somebody reads, so that counting costs no more."""
        for metric in self._collectors.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, "project": self._project})
                for sample in metric.samples
            ]
            yield metric


class Metrics:
    """The counters of one server; `render` writes them out."""

    def __init__(self, project: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        collectors = self.collectors = CollectorRegistry()
        self._named = Named(collectors, project)
        ProcessCollector(registry=collectors)
        self._requests = Counter(
            "http_requests", "Requests by path and status", ["path", "status"], registry=collectors
        )
        self.latency = Histogram(
            "predict_latency_seconds",
            "From the request for a prediction to its answer",
            buckets=SECONDS,
            registry=collectors,
        )
        self._limit = Gauge(
            "predict_latency_limit_seconds", "The P99 that the contract allows", registry=collectors
        )
        rows = Counter(
            "predict_rows", "Rows by what answered them", ["answer"], registry=collectors
        )
        self.by_model, self.by_fallback = rows.labels("model"), rows.labels("fallback")
        self.on_loop = Counter(
            "predict_rows_on_loop", "Rows scored on the event loop", registry=collectors
        )
        self.slow_calls = Counter(
            "model_slow_calls", "Calls that kept the event loop far too long", registry=collectors
        )
        self._row_seconds = Gauge(
            "model_row_seconds",
            "What a row takes the model; +Inf before that is known",
            registry=collectors,
        )
        self._by_reply: dict[tuple[str, int], Counter] = {}
        self.refused = Counter(
            "queue_refused", "Requests refused by a full queue", registry=collectors
        )
        self.dropped = Counter(
            "prediction_log_dropped", "Records the log could not take", registry=collectors
        )
        self._queue = Gauge("queue_rows", "Rows waiting for the model", registry=collectors)
        self._ready = Gauge("model_ready", "1 while a model answers", registry=collectors)
        self._behind = Gauge(
            "model_behind", "1 while another version than the champion answers", registry=collectors
        )
        self._version = Gauge(
            "model_version_info",
            "The version that answers",
            ["version", "run_id"],
            registry=collectors,
        )

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Ask for the length of the queue whenever somebody reads the metrics."""
        self._queue.set_function(length)

    def watch_pace(self, row_seconds: Callable[[], float]) -> None:
        """Ask what a row takes the model whenever somebody reads the metrics."""
        self._row_seconds.set_function(row_seconds)

    def watch_model(self, is_behind: Callable[[], bool]) -> None:
        """Ask whether another version than the champion answers, whenever somebody reads."""
        self._behind.set_function(is_behind)

    def set_version(self, version: int, run_id: str, p99_ms: float) -> None:
        """Say that from now on this version answers, and how fast its contract wants it."""
        self._ready.set(1)
        self._limit.set(p99_ms / 1000)
        self._version.clear()
        self._version.labels(str(version), run_id).set(1)

    def count_reply(self, path: str, status: int) -> None:
        """Count a request by how it was answered."""
        key = (path, status)
        if key not in self._by_reply:  # looking up a labelled counter costs more than counting
            self._by_reply[key] = self._requests.labels(path, str(status))
        self._by_reply[key].inc()

    def render(self) -> bytes:
        """Everything counted so far, as text."""
        return bytes(generate_latest(self._named))
