"""Alert rules and dashboard speak of metrics that the server or the monitor really shows."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

from engine.core.settings import load_settings
from engine.serving.http import telemetry as metrics
from engine.serving.model import Counts

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
WORDS = frozenset(
    [
        "absent",
        "by",
        "group_left",
        "histogram_quantile",
        "increase",
        "max",
        "min",
        "offset",
        "on",
        "rate",
        "scalar",
        "sum",
        "time",
    ]
)
LABELS = frozenset(["label", "project", "le", "path", "status", "answer", "version", "run_id"])


def shown() -> set[str]:
    """The names of all series that the server shows, for both tasks."""
    found = set()
    for classes in (["a", "b"], []):
        one = metrics.Metrics("churn")
        one.count_reply("/v1/predict", 200)
        one.set_version(1, "a run", 50.0)
        counts = Counts(one.collectors)
        mix = SimpleNamespace(manifest=SimpleNamespace(baseline_mix=[0.0, 1.0]))
        counts.expect(SimpleNamespace(predictor=SimpleNamespace(classes=classes, bundle=mix)))
        found |= set(re.findall(r"^([a-z_]+)", one.render().decode(), re.MULTILINE))
    return found


def named(expression: str) -> set[str]:
    """The series that a PromQL expression reads."""
    plain = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|[\d.]+', " ", expression)
    return set(re.findall(r"[a-z]\w+", plain)) - WORDS - LABELS - {"and", "or"}


def selected(expression: str) -> list[str]:
    """What each series of an expression is asked for by; nothing: by its name alone."""
    series = "|".join(sorted(shown() | named(expression), key=len, reverse=True))
    return re.findall(rf"\b(?:{series})(?:\{{([^}}]*)\}}|\b(?!\w))", expression)


def test_rules_and_dashboard_ask_for_the_project_that_the_metrics_name() -> None:
    one = metrics.Metrics(load_settings(ROOT / "settings.toml", {}).name)
    [labels] = re.findall(r"^model_ready\{(.*)\}", one.render().decode(), re.MULTILINE)
    text = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("deploy/*/*alerts.yml"))
    rules = re.findall(r"expr: (?:>-)?(.*?)\n        (?:for|labels):", text, re.DOTALL)
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    [constant] = [v for v in dashboard["templating"]["list"] if v["name"] == "project"]
    queries = [
        target["expr"].replace("$project", constant["query"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]

    asked = [selector for expression in rules + queries for selector in selected(expression)]

    assert len(asked) > len(rules + queries) > 20
    assert {selector for selector in asked if not selector.startswith(labels)} == set()
    assert f'project="{dashboard["title"]}"' == labels
    assert dashboard["uid"] == dashboard["title"] or len(dashboard["title"]) > 40 >= len(
        dashboard["uid"]
    )


def test_the_rules_speak_of_metrics_that_the_server_shows() -> None:
    text = (ROOT / "deploy/prometheus/serving_alerts.yml").read_text(encoding="utf-8")
    expressions = re.findall(r"expr: (?:>-)?(.*?)\n        (?:for|labels):", text, re.DOTALL)

    assert len(expressions) == text.count("- alert:")
    assert set().union(*map(named, expressions)) <= shown()


def test_the_dashboard_shows_metrics_that_exist_and_every_alert() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    series = set().union(*map(named, expressions))

    assert {name for name in series if not name.startswith("monitor_")} <= shown()

    rules = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("deploy/*/*alerts.yml"))
    described = " ".join(panel.get("description", "") for panel in panels)
    assert set(re.findall(r"- alert: (\w+)", rules)) <= set(re.findall(r"[A-Z]\w+", described))
