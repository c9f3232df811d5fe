"""Alert rules are valid, fire when they should, speak of metrics that exist, and have a runbook."""

import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from engine.contract.read import load_contract
from engine.core.settings import load_settings
from engine.monitoring import alarms, drift, performance
from engine.monitoring import log as logbook
from engine.monitoring import prediction_drift as prediction_mix
from engine.monitoring import report as monitor_report

from .made_up_log import END
from .programs import needed

ROOT = Path(__file__).parents[2]
RULES = sorted(ROOT.glob("deploy/prometheus/*alerts.yml"))
NAME = load_settings(ROOT / "settings.toml", {}).name
LAST_RUN = "monitor_last_run_timestamp_seconds"
TROUBLE = {  # of each file of rules: a metric, its values in a bad day and a good one, the alert
    "alerts": (LAST_RUN, "0x200", "0+600x200", "MonitorStale", "ticket"),
    "serving_alerts": ("model_ready", "0x200", "1x200", "NotReady", "page"),
}


def alerts(path: Path) -> dict[str, str]:
    """The text of each rule by the name of its alert."""
    parts = re.split(r"- alert: (\w+)", path.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture
def promtool() -> str:
    """The path of promtool; without it a test is skipped on a desk and fails in CI."""
    return needed("promtool", "prometheus")


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_the_rules_are_valid_and_fire_when_they_should(path: Path, promtool: str) -> None:
    tests = path.with_name(f"{path.stem}_test.yml")
    for command in (["check", "rules", path.name], ["test", "rules", tests.name]):
        done = subprocess.run(
            [promtool, *command], cwd=path.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def other_project(path: Path, folder: Path) -> Path:
    """The same rules as another project on the same Prometheus has them."""
    made = folder / f"other_{path.name}"
    text = path.read_text(encoding="utf-8")
    made.write_text(text.replace(f'"{NAME}"', '"other"').replace(f"{NAME}-", "other-"), "utf-8")
    return made


@pytest.mark.parametrize("down", [NAME, "other"])
@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_projects_on_one_prometheus_do_not_mix(
    path: Path, down: str, promtool: str, tmp_path: Path
) -> None:
    series, bad, good, alert, severity = TROUBLE[path.stem]
    up = "other" if down == NAME else NAME
    firing = {"alertname": alert, "alertstate": "firing", "project": down, "severity": severity}
    labels = ", ".join(f'{key}="{value}"' for key, value in firing.items())
    asked = {
        "expr": 'ALERTS{alertstate="firing"}',
        "eval_time": "28h",
        "exp_samples": [{"labels": f"ALERTS{{{labels}}}", "value": 1}],
    }
    given = [
        {"series": f'{series}{{project="{name}"}}', "values": values}
        for name, values in ((down, bad), (up, good))
    ]
    test = {
        "rule_files": [str(path), str(other_project(path, tmp_path))],
        "tests": [{"interval": "10m", "input_series": given, "promql_expr_test": [asked]}],
    }
    (tmp_path / "test.yml").write_text(json.dumps(test), "utf-8")  # JSON is YAML

    done = subprocess.run(
        [promtool, "test", "rules", "test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_alert_is_tested_and_has_its_section_in_the_runbook(path: Path) -> None:
    tested = path.with_name(f"{path.stem}_test.yml").read_text(encoding="utf-8")
    for name, rule in alerts(path).items():
        page = re.search(rf"runbook: (docs/runbook[a-z-]*\.md)#{name.lower()}\n", f"{rule}\n")
        assert page
        assert f"\n## {name}\n" in (ROOT / page[1]).read_text(encoding="utf-8")
        assert f"alertname: {name}\n        exp_alerts:" in tested


def test_every_alarm_of_the_monitor_has_a_rule() -> None:
    assert alerts(ROOT / "deploy/prometheus/alerts.yml").keys() >= alarms.NAMES.keys()


def test_many_alarms_of_one_kind_are_told_in_a_few_words() -> None:
    own = load_contract(ROOT / "contract.toml")
    mix = prediction_mix.Mix([], [], [], 0, 1.0, 0.0, [])
    lived = performance.Performance(own.gates.metric, 0.5, note="too few")
    checks = [
        drift.Check(f"c{i}", "values", 0.0, 1.0, real=True, detail="gone", fault=False)
        for i in range(400)
    ]
    found = alarms.Findings(logbook.Window(END, END), 1, "a run", checks, mix, lived)

    assert len(found.alarms) == 400
    assert found.retrain[1].count("InputDrift") == 1
    for text in (found.summary(), found.lines()[0]):
        assert text.count("InputDrift") == 1
        assert text.count("gone") == alarms.SHOWN
        assert text.endswith("; and 396 more")


@pytest.mark.parametrize(
    ("rows", "said"),
    [(1, "1 row, 100"), (99, "99 rows, 100 are needed"), (1402, "times and personal columns")],
)
def test_why_no_input_was_compared_is_true_of_the_window(rows: int, said: str) -> None:
    mix = prediction_mix.Mix([], [], [], 0, 1.0, 0.0, [])
    lived = performance.Performance("r2", 0.5, note="too few")
    window = logbook.Window(END, END, count=rows)

    line = alarms.Findings(window, 1, "a run", [], mix, lived).lines()[0]

    assert said in line
    assert (str(rows) in line) == (rows < 100)


def test_the_rules_speak_of_metrics_that_the_monitor_writes() -> None:
    own = load_contract(ROOT / "contract.toml")
    mix = prediction_mix.Mix([], [], [], 0, 1.0, 0.0, [])
    lived = performance.Performance(own.gates.metric, 0.5)
    found = alarms.Findings(logbook.Window(END, END), 1, "a run", [], mix, lived)

    written = {family.name for family in monitor_report.as_metrics(found, "churn").collect()}

    rules = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\bmonitor_\w+", rules)) <= written


def test_every_sample_of_the_monitor_names_the_project() -> None:
    own = load_contract(ROOT / "contract.toml")
    mix = prediction_mix.Mix(["a"], [1.0], [1.0], 1, 1.0, 0.0, [])
    lived = performance.Performance(own.gates.metric, 0.5, value=0.5, delay=timedelta(hours=1))
    lived.worth["a"] = 1.0
    check = drift.Check("a column", "values", 0.1, 0.5, real=True, detail="", fault=False)
    found = alarms.Findings(logbook.Window(END, END), 1, "a run", [check], mix, lived)

    shown = list(monitor_report.as_metrics(found, "churn").collect())

    samples = [sample for family in shown for sample in family.samples]
    assert {sample.labels.get("project") for sample in samples} == {"churn"}
    assert {sample.name for sample in samples} == {family.name for family in shown}
