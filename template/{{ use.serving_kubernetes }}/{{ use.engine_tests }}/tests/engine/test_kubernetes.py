"""What `deploy --check` sees in deploy/kubernetes, and that it sees what kubectl would."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from engine.core.errors import SettingsError
from tools.deploy import agreement, image, kinds, kustomize, rules, target
from tools.deploy.__main__ import look

ROOT = Path(__file__).parents[2]
RUNBOOK = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("runbook*.md")))
Change = Callable[[str, str, str], None]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Change]:
    """Change a file of a copy of deploy/, which is checked in place of the real one."""
    copy = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", copy)
    for module in (target, agreement, rules):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "DEPLOY", copy)
    monkeypatch.setattr(target, "FOLDER", copy / "kubernetes")
    monkeypatch.setattr(target, "OVERLAYS", copy / "kubernetes" / "overlays")
    monkeypatch.setattr(rules, "RULES", copy / "prometheus")
    monkeypatch.setattr(rules, "COPIES", copy / "kubernetes" / "base" / "monitoring")
    forget()

    def change(file: str, old: str, new: str) -> None:
        path = copy / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    yield change
    forget()


def forget() -> None:
    target._built.cache_clear()
    target._schemas.cache_clear()


def faults() -> list[str]:
    return look(target.checks())


def test_nothing_is_wrong_with_the_files_as_they_are() -> None:
    assert faults() == []


SERVER, BASE, PROD = "kubernetes/server", "kubernetes/base", "kubernetes/overlays/prod"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        # what a schema sees
        (f"{SERVER}/deployment.yaml", "readinessProbe:", "readynessProbe:", "'readynessProbe' was"),
        (f"{SERVER}/deployment.yaml", "containerPort: 8000", "containerPort: http", "not of type"),
        (f"{SERVER}/deployment.yaml", "          image:", "          imagine:", "imagine"),
        (f"{BASE}/service.yaml", "kind: Service", "kind: Servise", "no schema here knows"),
        (
            f"{BASE}/disruption.yaml",
            "policy/v1",
            "policy/v1beta1",
            "of policy/v1, not of policy/v1b",
        ),
        (f"{BASE}/autoscaler.yaml", "  maxReplicas: 1\n", "", "'maxReplicas' is a required"),
        (f"{BASE}/network.yaml", "policyTypes", "policyType", "'policyType' was unexpected"),
        (f"{BASE}/monitoring/servicemonitor.yaml", "endpoints:", "endpoint:", "'endpoint' was"),
        (f"{PROD}/kustomization.yaml", "maxReplicas:", "maximum:", "'maximum' was unexpected"),
        (f"{BASE}/service.yaml", "  ports:\n", "  ports\n", "is no YAML"),
        (f"{BASE}/service.yaml", "spec:\n", "spec: {}\nspec:\n", "gives spec twice"),
        # what kustomize says
        (f"{BASE}/kustomization.yaml", "- service.yaml", "- servise.yaml", "servise.yaml is not"),
        (
            f"{BASE}/kustomization.yaml",
            "- service.yaml",
            "- service.yaml\n  - ../base/service.yaml",
            "takes in the Service",
        ),
        (f"{BASE}/kustomization.yaml", "  - service.yaml\n", "", "service.yaml is taken by no"),
        (f"{PROD}/kustomization.yaml", "patches:", "patch:", "patch is no field"),
        (f"{PROD}/kustomization.yaml", "kind: Horiz", "kind: Veriz", "which is not there"),
        # what leads nowhere
        (f"{BASE}/service.yaml", "kubernetes.io/name: ", "kubernetes.io/nam: ", "ServiceMonitor"),
        (f"{BASE}/service.yaml", "targetPort: http", "targetPort: web", "no pod has the port web"),
        (f"{BASE}/monitoring/servicemonitor.yaml", "port: http", "port: web", "has the port web"),
        (f"{BASE}/network.yaml", "port: http", "port: web", "it lets in to port web"),
        (f"{BASE}/autoscaler.yaml", "kind: Deployment", "kind: StatefulSet", "no StatefulSet"),
        (
            f"{BASE}/disruption.yaml",
            "kubernetes.io/name",
            "kubernetes.io/n",
            "no pod has the labels",
        ),
        (
            f"{SERVER}/deployment.yaml",
            "configMapRef: {name: ",
            "configMapRef: {name: x",
            "no ConfigM",
        ),
        (
            f"{SERVER}/deployment.yaml",
            "serviceAccountName: ",
            "serviceAccountName: x",
            "no ServiceA",
        ),
        (
            f"{SERVER}/deployment.yaml",
            "    matchLabels: {",
            "    matchLabels: {a: b, ",
            "its selector",
        ),
        (f"{SERVER}/deployment.yaml", "{name: tmp, m", "{name: tmb, m", "no volume tmb"),
        # what a pod may do
        (f"{SERVER}/deployment.yaml", "RootFilesystem: true", "RootFilesystem: false", "readOnlyR"),
        (f"{SERVER}/deployment.yaml", "drop: [ALL]", "drop: [CHOWN]", "must have capabilities"),
        (f"{SERVER}/deployment.yaml", "runAsUser: 10001", "runAsUser: 0", "must have runAsNonRoot"),
        # where the server says something else
        (f"{SERVER}/deployment.yaml", "path: /health/ready", "path: /healthz", "asks /healthz"),
        (f"{SERVER}/deployment.yaml", "containerPort: 8000", "containerPort: 80", "port 8000"),
        (f"{SERVER}/deployment.yaml", "Seconds: 50", "Seconds: 30", "at least 45"),
        (
            f"{SERVER}/kustomization.yaml",
            "APP_DRAIN_SECONDS=20",
            "APP_DRAIN_SECONDS=60",
            "least 125",
        ),
        (f"{SERVER}/kustomization.yaml", "APP_LOG_LEVEL", "APP_LOG_LEVLE", "unknown setting"),
        (f"{SERVER}/deployment.yaml", "APP_API_KEY", "APP_API_KY", "missing: secret APP_API_KEY"),
        (
            f"{SERVER}/deployment.yaml",
            "- name: APP_API_KEY\n",
            "- {name: APP_API_KEY, value: open}\n            - name: X\n",
            "APP_API_KEY has its value in its env",
        ),
        (f"{SERVER}/kustomization.yaml", "LOG_MB=512", "LOG_MB=700", "a quarter more"),
        (f"{SERVER}/deployment.yaml", "mountPath: /data/logs", "mountPath: /logs", "/data/logs"),
        (f"{PROD}/kustomization.yaml", "minReplicas: ", "minReplicas: 9999", "but maxReplicas"),
        (f"{BASE}/monitoring/servicemonitor.yaml", "/metrics", "/metric", "no /metric"),
        ("prometheus/serving_alerts.yml", "for: 2m", "for: 3m", "serving_alerts.yaml is not what"),
        (f"{BASE}/monitoring/serving_alerts.yaml", "for: 2m", "for: 3m", "python3 run.py rules"),
    ],
)
def test_a_fault_is_found(change: Change, file: str, old: str, new: str, said: str) -> None:
    change(file, old, new)

    found = faults()

    assert any(said in fault for fault in found), found


def test_rules_writes_what_the_check_asks_for(change: Change) -> None:
    change("prometheus/serving_alerts.yml", "for: 2m", "for: 3m")
    assert faults()

    rules.main([])

    assert faults() == []


@pytest.mark.parametrize("stage", target.STAGES)
def test_the_rules_of_the_operator_are_the_rules_of_prometheus(stage: str) -> None:
    built = kustomize.build(target.OVERLAYS / stage)
    found = [
        group
        for each in built
        if each["kind"] == "PrometheusRule"
        for group in each["spec"]["groups"]
    ]

    has_rules = stage in ("dev", "staging", "prod")
    files = sorted(rules.RULES.glob("*alerts.yml")) if has_rules else []
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    assert sorted(found, key=str) == sorted(groups, key=str)


@pytest.fixture
def kubectl() -> str:
    """The path of kubectl; without it a test is skipped on a desk and fails in CI."""
    found = shutil.which("kubectl")
    told = (
        subprocess.run([found, "version", "--client"], capture_output=True, text=True)
        if found
        else None
    )
    version = re.search(r"Kustomize Version: v(\d+)", told.stdout) if told else None
    if found and version and int(version[1]) >= 5:
        return found
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail("no kubectl of 1.27 or newer; in CI the kustomizations are held against it")
    pytest.skip("no kubectl of 1.27 or newer; the kustomizations are not held against it")


@pytest.mark.parametrize("stage", target.STAGES)
def test_the_kustomizations_give_what_kubectl_makes_of_them(stage: str, kubectl: str) -> None:
    command = [kubectl, "kustomize", str(target.OVERLAYS / stage)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    theirs = list(yaml.safe_load_all(done.stdout))

    ours = kustomize.build(target.OVERLAYS / stage)

    def sort(each: object) -> str:
        return yaml.safe_dump(each, sort_keys=True)

    assert sorted(map(sort, ours)) == sorted(map(sort, theirs))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.example:5000/a/b:1.2", "newName: r.example:5000/a/b, newTag: '1.2'"),
        ("r.example/b@sha256:0f", "newName: r.example/b, digest: 'sha256:0f'"),
        ("b", "newName: b, newTag: 'latest'"),
    ],
)
def test_an_image_is_written_into_a_stage_and_can_be_replaced(name: str, said: str) -> None:
    text = (target.OVERLAYS / "prod" / "kustomization.yaml").read_text(encoding="utf-8")

    for each in ("x/y:0", name):
        text = image.with_image(text, each)

    assert f", {said}}} #" in text
    assert text.count("newName") == 1


def test_prod_takes_no_image_that_may_change_or_that_nobody_can_pull() -> None:
    for name in ("a:1", "r.example/a", "r.example/a:latest"):
        with pytest.raises(SettingsError, match="REGISTRY/NAME:VERSION"):
            target.steps("prod", name)

    built = [step.command[:2] for step in target.steps("prod", "r.example/a:1")]
    known = [step.command[:2] for step in target.steps("prod", "r.example/a@sha256:0f")]

    assert built[:2] == [["docker", "build"], ["docker", "push"]]
    assert built[2:] == known


def test_the_secrets_that_pods_name_stand_in_the_runbook() -> None:
    text = "".join(map(str, (each for stage in target.STAGES for each in target._built(stage))))
    named = set(re.findall(r"'secretKeyRef': \{[^}]*'name': '([^']+)'", text))

    assert named
    for name in named:
        assert f"create secret generic {name}" in RUNBOOK


def test_the_scaling_on_the_queue_in_the_runbook_keeps_the_schema() -> None:
    [patch] = re.findall(r"```yaml\n(.*?)```", RUNBOOK, re.DOTALL)
    change = yaml.safe_load(patch)
    built = next(e for e in target._built("prod") if e["kind"] == change["kind"])

    assert list(kinds.faults(kustomize.merged(built, change))) == []
    assert built["metadata"]["name"] == change["metadata"]["name"]
