"""`deploy --check` takes the files under deploy/ as they are, and finds each kind of mistake."""

import re
import shutil
from pathlib import Path

import pytest

from tools.deploy import __main__ as verb
from tools.deploy import compose, project, target

ROOT = Path(__file__).parents[2]
COMPOSE, PROMETHEUS = "deploy/compose.yml", "deploy/prometheus/prometheus.yml"
ALERTS, RECEIVERS = "deploy/prometheus/serving_alerts.yml", "deploy/alertmanager/alertmanager.yml"
DASHBOARD = "deploy/grafana/dashboard.json"
SOURCE = "deploy/grafana/provisioning/datasources/prometheus.yml"

WRONG = {
    "a key that is misspelt": (
        COMPOSE,
        "stop_grace_period",
        "stop_grace_perod",
        "stop_grace_perod",
    ),
    "a value of another kind": (COMPOSE, "type: bind", "type: bnd", "'bnd'"),
    "no services": (COMPOSE, "\nservices:", "\nservces:", "servces"),
    "no YAML": (COMPOSE, "[ALL]", "[ALL", "no YAML"),
    "a file that is not there": (
        COMPOSE,
        "source: ./prometheus",
        "source: ./prom",
        "./prom is not",
    ),
    "a volume that is not there": (COMPOSE, "source: logs", "source: log", "no volume log"),
    "a variable without a default": (COMPOSE, "APP_GROUP:-1000", "APP_GROUP", "has no default"),
    "root": (COMPOSE, 'user: "472"', 'user: "0"', "not root"),
    "a root folder that can be written": (
        COMPOSE,
        "read_only: true\n",
        "read_only: false\n",
        "True",
    ),
    "no limits": (COMPOSE, "limits:", "reservations:", "limits must be set"),
    "an image without its digest": (COMPOSE, r"(grafana/grafana:[\d.]+)@\S+", r"\1", "@sha256:"),
    "a door": (COMPOSE, r"127.0.0.1:\$\{GRAFANA", "${GRAFANA", "must begin with"),
    "no time to stop": (
        COMPOSE,
        "stop_grace_period: 30s",
        "stop_grace_period: 20s",
        "drain_seconds",
    ),
    "a secret in git": (
        COMPOSE,
        "    env_file: .*\n",
        "    environment: {APP_API_KEY: open}\n",
        "APP_API_KEY has its value in services.server",
    ),
    "a secret that is not handed on": (
        COMPOSE,
        "path: server.env",
        "path: sever.env",
        "missing: secret APP_API_KEY",
    ),
    "a key of Prometheus": (PROMETHEUS, "scrape_interval", "scrape_intervals", "scrape_intervals"),
    "nobody at an address": (PROMETHEUS, "server:8000", "srv:8000", "asks srv:8000"),
    "another port": (SOURCE, "prometheus:9090", "prometheus:9091", "asks prometheus:9091"),
    "rules that are not loaded": (PROMETHEUS, r"\*alerts", "more_alerts", "does not load"),
    "a receiver that is not there": (RECEIVERS, "receiver: team", "receiver: tem", "receiver tem"),
    "a key of Alertmanager": (RECEIVERS, "group_wait", "group_weight", "group_weight"),
    "a rule without its form": (ALERTS, "annotations:", "annotation:", "groups.0.rules.0"),
    "rules of another project": (ALERTS, 'project="[^"]*"', 'project="other"', "does not ask for"),
    "a rule of all projects": (ALERTS, r'\{project="[^"]*"\} == 1', " == 1", "does not ask for"),
    "a dashboard of another project": (
        DASHBOARD,
        r'"query": "(?!prom)[^"]*"',
        '"query": "x"',
        "ask",
    ),
    "a query of all projects": (DASHBOARD, r'\{project=\\"\$project\\"\}', "", "does not ask for"),
    "another name in the settings": ("settings.toml", 'name = "', 'name = "not-', "does not ask"),
}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that can be broken, at which the checks look."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copy(ROOT / "settings.toml", tmp_path)
    deploy = tmp_path / "deploy"
    for module in (compose, project, target):
        monkeypatch.setattr(module, "DEPLOY", deploy)
        for name, value in vars(module).copy().items():
            if isinstance(value, Path) and value.is_relative_to(ROOT / "deploy"):
                monkeypatch.setattr(module, name, deploy / value.relative_to(ROOT / "deploy"))
    for module in (compose, project):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def found() -> list[str]:
    return verb.look(target.checks())


def test_the_files_are_as_they_should_be() -> None:
    assert found() == []


def test_a_copy_is_what_the_checks_look_at(copy: Path) -> None:
    assert found() == []
    (copy / COMPOSE).unlink()
    assert len(found()) > 2


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_a_mistake_is_found(case: tuple[str, str, str, str], copy: Path) -> None:
    file, pattern, wrong, message = case
    text = (copy / file).read_text("utf-8")
    spoilt, count = re.subn(pattern, wrong, text)
    assert count
    (copy / file).write_text(spoilt, "utf-8")

    faults = found()

    assert message in "\n".join(faults)
    assert faults


def test_files_are_laid_over_each_other_as_docker_does() -> None:
    first = {"services": {"a": {"ports": ["1"], "user": "1"}}}
    second = {"services": {"a": {"ports": ["2"], "user": "2"}, "b": {}}}

    assert compose.merged(first, second) == {
        "services": {"a": {"ports": ["1", "2"], "user": "2"}, "b": {}}
    }


def test_whoever_is_told_is_said(copy: Path) -> None:
    [before] = [check.what for check in target.checks() if "receiver" in check.what]
    path = copy / RECEIVERS
    text = path.read_text("utf-8").replace("    # webhook_configs:", "    webhook_configs:", 1)
    path.write_text(text.replace("    #   - {url:", "      - {url:", 1), "utf-8")
    [after] = [check.what for check in target.checks() if "receiver" in check.what]

    assert "nobody is told yet" in before
    assert "somebody is told" in after
    assert found() == []


def test_the_commands_are_those_of_docker(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert verb.main(["--dry-run", "--image", "here/model:3"]) == 0

    said = capsys.readouterr().out
    assert "docker build -f deploy/Dockerfile -t here/model:3 ." in said
    assert re.search(
        r"^APP_IMAGE=here/model:3 (APP_\w+=\d+ )*docker compose --file deploy/compose.yml "
        r"(--file deploy/compose\.\S+\.yml )*up",
        said,
        re.MULTILINE,
    )


def test_a_command_is_told_what_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    docker = programs / "docker"
    docker.write_text(f'#!/bin/sh\necho "$APP_IMAGE: $*" >> {tmp_path}/called\n', "utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setattr(verb, "ROOT", tmp_path)
    monkeypatch.chdir(ROOT)

    assert verb.main(["--image", "here/model:3"]) == 0

    called = (tmp_path / "called").read_text("utf-8").splitlines()
    assert [line.partition(": ")[2].split()[0] for line in called] == ["build", "compose"]
    assert called[1].startswith("here/model:3: ")
    assert (tmp_path / "store").is_dir()
    assert (tmp_path / "reports").is_dir()


def test_secrets_of_the_server_stay_out_of_git_and_the_image() -> None:
    ignored = (ROOT / "deploy/.gitignore").read_text("utf-8").split()

    assert compose.read()["services"]["server"]["env_file"] == [
        {"path": "server.env", "required": False}
    ]
    assert {"server.env", "*.secret"} <= {*ignored}
    assert "!deploy" not in (ROOT / ".dockerignore").read_text("utf-8")
