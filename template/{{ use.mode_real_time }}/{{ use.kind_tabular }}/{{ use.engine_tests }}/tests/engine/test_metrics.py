"""The names that alerts and dashboards rely on, and that they count what happened."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.serving.http import telemetry as metrics
from engine.serving.model import Counts

from .http_server import body, in_thread
from .made_up import requests

JSON = {"Content-Type": "application/json"}
NAMES = {
    "http_requests_total",
    "model_ready",
    "model_row_seconds",
    "model_slow_calls_total",
    "model_version_info",
    "predict_latency_seconds_bucket",
    "predict_latency_seconds_count",
    "predict_rows_on_loop_total",
    "predict_rows_total",
    "prediction_log_dropped_total",
    "queue_refused_total",
    "queue_rows",
}


def model(classes: list[str], mix: list[float]) -> Any:
    """A model with these classes, and this mix of answers on its test rows."""
    bundle = SimpleNamespace(manifest=SimpleNamespace(baseline_mix=mix))
    return SimpleNamespace(predictor=SimpleNamespace(classes=classes, bundle=bundle))


def test_a_day_in_the_life_of_a_server_is_counted(trained: Path) -> None:
    with in_thread(trained / "store") as (client, app):
        contract = app.model.now.predictor.contract
        rows = requests(contract, 7)
        answers = client.post("/v1/predict", content=body(rows), headers=JSON).json()
        client.post("/v1/predict", content=b"{", headers=JSON)
        client.get("/wp-login.php")
        text = client.get("/metrics").text

    counts = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert {name.partition("{")[0] for name in counts} >= NAMES
    assert counts['http_requests_total{path="/v1/predict",project="model",status="200"}'] == "1.0"
    assert counts['http_requests_total{path="/v1/predict",project="model",status="400"}'] == "1.0"
    assert counts['http_requests_total{path="other",project="model",status="404"}'] == "1.0"
    assert counts['predict_rows_total{answer="model",project="model"}'] == "7.0"
    assert counts['predict_latency_seconds_count{project="model"}'] == "1.0"
    assert counts['model_ready{project="model"}'] == "1.0"
    assert counts['queue_rows{project="model"}'] == "0.0"
    for label in contract.classes:
        said = sum(prediction["label"] == label for prediction in answers["predictions"])
        escaped = label.replace("\\", "\\\\").replace('"', '\\"')
        assert float(counts[f'predictions_total{{label="{escaped}",project="model"}}']) == said
    if not contract.classes:
        assert counts['prediction_value_count{project="model"}'] == "7.0"
    assert ("prediction_value_count" in text) != bool(contract.classes)


def test_a_version_with_another_task_or_class_is_counted_as_it_is() -> None:
    shown = metrics.Metrics("churn")
    counts = Counts(shown.collectors)

    counts.expect(model(["no", "yes"], []))
    counts.count([{"label": "maybe"}, {"value": 1.0}])
    counts.expect(model([], [0.5, 2.0]))
    counts.count([{"value": 1.0}, {"label": "yes"}])

    text = shown.render().decode()
    assert 'predictions_total{label="maybe",project="churn"} 1.0' in text
    assert 'predictions_total{label="yes",project="churn"} 1.0' in text
    assert 'prediction_value_count{project="churn"} 1.0' in text


def test_every_sample_names_the_project() -> None:
    shown = metrics.Metrics('a "name"')
    shown.count_reply("/v1/predict", 200)
    shown.set_version(1, "a run", 50.0)
    Counts(shown.collectors).expect(model(["no", "yes"], []))

    lines = [line for line in shown.render().decode().splitlines() if not line.startswith("#")]

    assert len(lines) > 30
    assert all('project="a \\"name\\""' in line for line in lines)


def test_the_process_says_what_it_uses() -> None:
    text = metrics.Metrics("churn").render().decode()

    if not Path("/proc/self/stat").exists():
        pytest.skip("only Linux tells")
    assert "process_cpu_seconds_total" in text
    assert "process_resident_memory_bytes" in text


def test_no_personal_value_and_no_key_is_in_the_metrics(trained: Path) -> None:
    with in_thread(trained / "store", api_key="a secret key") as (client, app):
        rows: list[dict[str, Any]] = requests(app.model.now.predictor.contract, 3)
        client.post("/v1/predict", content=body(rows), headers=JSON)
        text = client.get("/metrics").text

    assert "a secret key" not in text
    assert text.count("{label=") == len(app.model.now.predictor.classes)
