"""Alert rules, dashboard and runbook of answers: each speaks of what the server really shows."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.core.settings import load_settings
from engine.serving.http import telemetry
from engine.serving.model import Counts

from .programs import needed
from .small_bundle import ROOT

RULES = ROOT / "deploy/prometheus/serving_alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
FUNCTIONS = {"absent", "and", "by", "histogram_quantile", "increase", "max", "min", "offset", "or"}
FUNCTIONS |= {"rate", "scalar", "sum", "time"}
LABELS = {"found", "le", "of", "outcome", "path", "project", "run_id", "status", "version"}


def shown() -> set[str]:
    """The names of all series of a server that has answered, refused, found and told something."""
    one = telemetry.Metrics("answers")
    one.count_reply("/v1/ask", 200)
    one.set_version(1, "a run", 50.0)
    counts = Counts(one.collectors)
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    answer = {"refused": False, "fallback": True, "cached": True, "guard": ["words to a model"]}
    counts.count([answer | {"usage": usage, "search": {"covers": 0.7}}])
    counts.count_stream("done")
    return set(re.findall(r"^([a-z_]+)", one.render().decode(), re.MULTILINE))


def series(expression: str) -> set[str]:
    """The series that a PromQL expression reads."""
    plain = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)|[\d.]+\w*', " ", expression)
    return set(re.findall(r"[a-z]\w+", plain)) - FUNCTIONS


def rules() -> dict[str, str]:
    """The expression of each alert."""
    text = RULES.read_text("utf-8")
    found = re.findall(
        r"- alert: (\w+)\n +expr: (?:>-)?(.*?)\n        (?:for|labels):", text, re.DOTALL
    )
    assert len(found) == text.count("- alert:")
    return dict(found)


def queries() -> list[str]:
    """The queries of the dashboard."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def test_rules_and_dashboard_read_series_that_there_are() -> None:
    read = [*map(series, [*rules().values(), *queries()])]

    assert all(read)
    assert set().union(*read) - shown() == set()


def test_each_asks_for_this_project_alone() -> None:
    name = load_settings(ROOT / "settings.toml", {}).name
    for expression in [*rules().values(), *queries()]:
        selectors = re.findall(r"\{([^}]*)\}", expression)
        assert selectors
        assert all(s.startswith((f'project="{name}"', 'project="$project"')) for s in selectors)


def test_each_alert_has_its_section_and_its_panel() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    described = " ".join(panel.get("description", "") for panel in panels)
    places = re.findall(r"runbook: (\S+)#(\w+)", RULES.read_text("utf-8"))

    assert {place for _, place in places} == {name.lower() for name in rules()}
    assert rules().keys() <= {*re.findall(r"[A-Z]\w+", described)}
    for page, place in places:
        heads = re.findall(r"(?m)^## (\w+)$", (ROOT / page).read_text("utf-8"))
        assert place in map(str.lower, heads)


def test_no_page_speaks_of_rows_or_of_verbs_that_there_are_not() -> None:
    verbs = subprocess.run(
        ["python3", "run.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"(?m)^ +([a-z-]+) ", verbs))
    for page in sorted((ROOT / "docs").glob("runbook*.md")):
        text = page.read_text("utf-8")
        named = set(re.findall(r"run\.py ([a-z-]+)", text))
        assert named <= known | {"doctor"}, (page, named - known)
        assert not re.findall(r"\brows\b|/v1/predict", text), page
    shown = re.findall(
        r'"(?:title|description|legendFormat)": "(.*)"', DASHBOARD.read_text("utf-8")
    )
    assert len(shown) > 20
    assert not re.findall(
        r"\brows\b|predict", " ".join(shown).replace("PredictionLogFailing", ""), re.I
    )


@pytest.mark.parametrize("name", ["serving_alerts_test.yml"])
def test_rules_fire_when_they_should_and_only_then(name: str, tmp_path: Path) -> None:
    program = needed("promtool", "prometheus")
    shutil.copytree(RULES.parent, tmp_path / "rules")
    done = subprocess.run(
        [program, "test", "rules", str(tmp_path / "rules" / name)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
