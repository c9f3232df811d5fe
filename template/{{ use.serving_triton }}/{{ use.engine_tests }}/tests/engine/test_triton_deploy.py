"""What `deploy --check` sees in deploy/triton, and what `deploy` would do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from tools.deploy import target
from tools.deploy.__main__ import look

ROOT = Path(__file__).parents[2]
Change = Callable[[str, str, str], None]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Change a file of a copy of deploy/triton, which is checked in place of the real one."""
    copy = tmp_path / "triton"
    shutil.copytree(ROOT / "deploy/triton", copy)
    monkeypatch.setattr(target, "FOLDER", copy)
    monkeypatch.setattr(target, "MANIFEST", copy / "kubernetes.yml")

    def change(file: str, old: str, new: str) -> None:
        text = (copy / file).read_text("utf-8")
        assert old in text
        (copy / file).write_text(text.replace(old, new, 1), "utf-8")

    return change


def test_nothing_is_wrong_with_the_files_as_they_are() -> None:
    assert look(target.checks()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # what a schema sees
        ("readinessProbe:", "readynessProbe:", "'readynessProbe' was unexpected"),
        ("containerPort: 8000", "containerPort: http", "not of type 'integer'"),
        ("memory: 512Mi", "memory: lots", "'lots' is not valid"),
        ("kind: Service", "kind: Servise", "must hold a Deployment and a Service"),
        ("apiVersion: apps/v1", "apiVersion: apps/v1beta1", "not of apps/v1beta1"),
        ("spec:\n", "spec\n", "is no YAML"),
        # what a pod may do
        ("RootFilesystem: true", "RootFilesystem: false", "must have readOnlyRootFilesystem"),
        ("drop: [ALL]", "drop: [CHOWN]", "must have capabilities"),
        ("runAsUser: 10001", "runAsUser: 0", "must have runAsNonRoot"),
        ("        seccompProfile: {type: RuntimeDefault}\n", "", "must have seccompProfile"),
        ("automountServiceAccountToken: false", "hostNetwork: true", "Token must be false"),
        # what leads nowhere, and how it ends
        ("matchLabels: {app: ", "matchLabels: {app: x", "its selector"),
        ("  selector: {app: ", "  selector: {app: x", "Service: its selector"),
        ("- name: triton", "- name: server", "none has the name triton"),
        ("containerPort: 8002", "containerPort: 9002", "Triton listens at"),
        ("targetPort: grpc", "targetPort: web", "targetPort 'web' is no port"),
        ("path: /v2/health/live", "path: /healthz", "livenessProbe: health is answered"),
        ("port: http}, periodSeconds: 2}", "port: grpc}, periodSeconds: 2}", "readinessProbe"),
        ("{name: scratch, m", "{name: scrap, m", "there is no volume 'scrap'"),
        ("limits: {memory: 1Gi}", "limits: {}", "limits name no memory"),
        ("GracePeriodSeconds: 40", "GracePeriodSeconds: 35", "ten more need 38"),
        ('command: [sleep, "8"]', 'command: [sleep, "20"]', "ten more need 50"),
        ('{exec: {command: [sleep, "8"]}}', "{sleep: {seconds: 20}}", "ten more need 50"),
    ],
)
def test_a_fault_is_found(change: Change, old: str, new: str, said: str) -> None:
    change("kubernetes.yml", old, new)

    found = look(target.checks())

    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("      containers:\n", "      nodeSelector: {gpu: a100}\n      containers:\n"),
        ('{exec: {command: [sleep, "8"]}}', "{sleep: {seconds: 8}}"),
        ("port: http}, periodSeconds: 10", "port: 8000}, initialDelaySeconds: 9, periodSeconds: 9"),
        ("targetPort: metrics", "targetPort: 8002"),
    ],
)
def test_what_a_cluster_takes_is_no_fault(change: Change, old: str, new: str) -> None:
    change("kubernetes.yml", old, new)

    assert look(target.checks()) == []


def test_what_the_image_lacks_is_found(change: Change) -> None:
    change("Dockerfile", "COPY src", "COPY source")
    change("Dockerfile.dockerignore", "!settings.toml\n", "")

    found = look(target.checks())

    assert any("source is not there" in fault for fault in found), found
    assert any("settings.toml is ignored by" in fault for fault in found), found


def test_an_image_that_no_cluster_can_pull_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot pull 'mine'"):
        target.steps("kubernetes", "mine")


def test_the_steps_name_what_the_manifest_names() -> None:
    steps = [str(step) for step in target.steps("kubernetes", "registry/mine:1")]

    name = target._named()["Deployment"]["metadata"]["name"]
    assert f"kubectl set image deployment/{name} triton=registry/mine:1" in steps
    assert steps[0] == "docker build -f deploy/triton/Dockerfile -t registry/mine:1 ."
