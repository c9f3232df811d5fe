"""What `deploy --check` sees in deploy/kserve, and what `deploy` would do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import SettingsError
from engine.core.settings import load_settings
from engine.serving.http.app import App
from tools.deploy import image, manifests, service, target
from tools.deploy.__main__ import look

ROOT = Path(__file__).parents[2]
Change = Callable[[str, str], None]
SLUG = load_settings(ROOT / "settings.toml", {}).name


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Change a copy of the file for prod, which is checked in place of the real one."""
    copy = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", copy)
    shutil.copy(ROOT / "settings.toml", tmp_path)
    for module in (target, service):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(service, "DEPLOY", copy)
    monkeypatch.setattr(target, "FOLDER", copy / "kserve")

    def change(old: str, new: str) -> None:
        path = copy / "kserve" / "prod.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def test_nothing_is_wrong_with_the_files_as_they_are() -> None:
    assert look(target.checks()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # what a schema sees
        ("minReplicas:", "minReplica:", "'minReplica' was unexpected"),
        ("readinessProbe:", "readynessProbe:", "'readynessProbe' was unexpected"),
        ("containerPort: 8000", "containerPort: http", "not of type 'integer'"),
        ("scaleMetric: rps", "scaleMetric: requests", "is not one of"),
        ("kind: InferenceService", "kind: InferenceServise", "no schema here knows this kind"),
        ("serving.kserve.io/v1beta1", "serving.kserve.io/v1", "not of serving.kserve.io/v1"),
        ("memory: 512Mi", "memory: lots", "'lots' is not valid"),
        ("  predictor:\n", "  predictors:\n", "'predictor' is a required property"),
        ("    containers:\n", "    containers\n", "is no YAML"),
        ("    containers:\n", "    initContainers:\n", "one container with the name"),
        # what KServe says
        ("name: kserve-container", "name: server", "the name kserve-container"),
        ("PROTOCOL, value: v2", "PROTOCOL, value: v3", "PROTOCOL is 'v3'"),
        ("Mode: Knative", "Mode: Standard", "must be Knative"),
        ("maxReplicas: ", "maxReplicas: 1 # ", "minReplicas is"),
        ("canaryTrafficPercent: 100", "canaryTrafficPercent: 101", "it is 0 to 100"),
        # what Knative refuses
        ("scaleMetric: rps", "scaleMetric: cpu", "Knative has concurrency and rps"),
        ("    timeout: 45", "    terminationGracePeriodSeconds: 45", "Knative refuses it unless"),
        ("        ports:\n", "        tty: true\n        ports:\n", "Knative refuses tty"),
        ("{containerPort: 8000,", "{name: http, containerPort: 8000,", "the name http1"),
        ("emptyDir: {sizeLimit: 256Mi}", "hostPath: {path: /tmp}", "is of hostPath"),
        # what the pod may do
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"),
        ("drop: [ALL]", "drop: [CHOWN]", "must have capabilities"),
        ("    automountServiceAccountToken: false\n", "", "automountServiceAccountToken must"),
        # where the server says something else
        (f"name: {SLUG} # clients", "name: another # clients", "clients would not find it"),
        ("containerPort: 8000", "containerPort: 80", "the server listens at port 8000"),
        ("ready, port: 8000", "ready, port: 80", "readinessProbe asks port 80"),
        ("/v2/health/ready", "/v2/health/well", "readinessProbe asks /v2/health/well"),
        ("timeout: 45", "timeout: 30", "twice its drain_seconds"),
        ("mountPath: /data/logs", "mountPath: /logs", "the prediction log"),
        (
            "{name: PROTOCOL,",
            "{name: APP_DEADLINE, value: '1'}\n          - {name: PROTOCOL,",
            "unknown",
        ),
        (
            "name: APP_API_KEY",
            "name: APP_API_KEY\n            value: x\n          - name: X",
            "Secret",
        ),
        # what leads nowhere
        ("serviceAccountName: ", "serviceAccountName: x", "there is no ServiceAccount x"),
        ("{name: tmp, m", "{name: tmb, m", "volumeMounts names tmb"),
        ("-prod\n", "-dev\n", "share one namespace"),
    ],
)
def test_a_fault_is_found(change: Change, old: str, new: str, said: str) -> None:
    change(old, new)

    found = look(target.checks())

    assert any(said in fault for fault in found), found


def test_a_stage_that_is_not_there_is_said(change: Change) -> None:
    change("kind", "kind")
    (target.FOLDER / "staging.yaml").unlink()

    assert look(target.checks()) == ["deploy/kserve/staging.yaml is not there"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("portNumber", "portNumer", "'portNumer' was unexpected"),
        ("portNumber: 8000", "portNumber: 80", "asks at [80]; dev answers at [8000]"),
        ("-predictor", "", f"the pods of dev are of {SLUG}-predictor"),
        (f", {SLUG}-staging", "", f"does not look into {SLUG}-staging"),
    ],
)
def test_a_monitor_that_leads_nowhere_is_found(
    change: Change, old: str, new: str, said: str
) -> None:
    change("kind", "kind")
    path = target.FOLDER / "monitoring.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

    assert any(said in fault for fault in look(target.checks()))


def test_without_the_operator_of_prometheus_its_file_may_go(change: Change) -> None:
    change("kind", "kind")
    (target.FOLDER / "monitoring.yaml").unlink()

    assert look(target.checks()) == []


def test_the_probes_ask_paths_that_the_server_has(tmp_path: Path) -> None:
    paths = App(load_settings(ROOT / "settings.toml", {"APP_STORE": str(tmp_path)}))._paths
    for stage in target.STAGES:
        found = image.of_service(target.FOLDER / f"{stage}.yaml")
        [container] = found["spec"]["predictor"]["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["path"] in paths


def test_an_image_is_written_into_the_file_and_nothing_else_is(change: Change) -> None:
    change("kind", "kind")
    path = target.FOLDER / "prod.yaml"
    before = path.read_text(encoding="utf-8")

    image.main([str(path), "registry.example.com/it@sha256:abc"])

    after = path.read_text(encoding="utf-8")
    assert after == before.replace(
        f"image: {SLUG}:latest", "image: registry.example.com/it@sha256:abc"
    )
    assert after != before
    with pytest.raises(ValueError, match="one line must name"):
        image.with_image(before + before, "x")


def test_what_deploying_is_in_order() -> None:
    steps = [step.command for step in target.steps("prod", "registry.example.com/it:1.0")]

    assert [command[:2] for command in steps if "python" not in command[0]] == [
        ["docker", "build"],
        ["docker", "push"],
        ["kubectl", "apply"],
        ["kubectl", "wait"],
        ["kubectl", "get"],
    ]
    assert f"--namespace={SLUG}-prod" in steps[-1]
    assert len(target.steps("prod", "registry.example.com/it@sha256:abc")) == len(steps) - 2
    for wrong in ("it:1.0", "registry.example.com/it", "registry.example.com/it:latest"):
        with pytest.raises(SettingsError, match="takes an image from a registry"):
            target.steps("prod", wrong)


def test_every_file_of_the_folder_is_looked_at(change: Change) -> None:
    change("kind", "kind")
    other = target.FOLDER / "other.yaml"
    other.write_text("kind: Nothing\nmetadata: {name: x}\n", encoding="utf-8")

    assert look(target.checks()) == ["Nothing: no schema here knows this kind"]
    assert list(manifests.documents(other)) == [{"kind": "Nothing", "metadata": {"name": "x"}}]
