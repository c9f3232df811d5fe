"""The checks of the service: each fault is found before anybody is asked, and is said plainly."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tools.deploy import cloud_run, stages, target, terraform
from tools.deploy.__main__ import main

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of deploy/cloud-run that a test may break."""
    shutil.copytree(PROJECT / "deploy" / "cloud-run", tmp_path / "cloud-run")
    monkeypatch.setattr(stages, "FOLDER", tmp_path / "cloud-run")
    return tmp_path / "cloud-run"


def found() -> list[str]:
    """What the checks say."""
    return [fault for check in target.checks() for fault in check.look()]


def test_what_is_rendered_is_right() -> None:
    assert found() == []


def test_a_repository_without_code_for_the_store_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cloud_run, "object_store", lambda _: None)

    assert len(found()) == 4  # the store and the prediction log of two stages
    assert all("template update -d artifact_store=gcs" in fault for fault in found())


SERVICE = "service.yaml"
STAGES = "stages.yaml"
BROKEN = [
    (SERVICE, "containerConcurrency", "containerConcurency", "'containerConcurency' was unexpect"),
    (SERVICE, "timeoutSeconds: 20", "timeoutSeconds: 20s", "'20s' is not of type 'integer'"),
    (SERVICE, "timeoutSeconds: 20", "timeoutSeconds: 4000", "4000 is not between 1 and 3600"),
    (SERVICE, "kind: Service", "kind: Servce", "kind and apiVersion"),
    (SERVICE, 'cpu-throttling: "false"', 'cpu-throttling: "no"', "'no' is none of true|false"),
    (SERVICE, 'cpu-throttling: "false"', "cpu-throttling: false", "is not of type 'string'"),
    (SERVICE, "gen2", "gen3", "'gen3' is none of gen1|gen2"),
    (SERVICE, "/cpu-throttling", "/cpu-throtling", "run.googleapis.com/cpu-throttling is near"),
    (SERVICE, "googleapis.com/minScale", "googleapis.com/cpu-throttling", "annotation of a serv"),
    (SERVICE, "containerPort: 8000", "containerPort: 8080", "but the server listens at 8000"),
    (SERVICE, 'DRAIN_SECONDS, value: "2"', 'DRAIN_SECONDS, value: "4"', "an end may take 13 s"),
    (SERVICE, "APP_RELOAD_SECONDS", "APP_RELOD_SECONDS", "unknown setting 'relod_seconds'"),
    (SERVICE, "name: APP_RELOAD_SECONDS", "name: PORT", "Cloud Run sets it"),
    (SERVICE, "memory: 1Gi", "memory: 256Mi", "at least 512Mi"),
    (SERVICE, 'cpu: "1"', 'cpu: "0.5"', "limits.cpu"),
    (SERVICE, "path: /health/ready", "path: /health/live", "startupProbe: it asks GET"),
    (SERVICE, "failureThreshold: 60", "failureThreshold: 600", "is at most 240"),
    (SERVICE, "timeoutSeconds: 3\n", "timeoutSeconds: 30\n", "longer than periodSeconds"),
    (SERVICE, "-models/store", "-model/store", "no google_storage_bucket.name there is "),
    (SERVICE, "-api-key", "-apikey", "no google_secret_manager_secret.secret_id there is "),
    (SERVICE, "-server@", "-sever@", "no google_service_account.account_id there is "),
    (SERVICE, "${max_instances}", "${most}", "'most' is no value of a stage"),
    (SERVICE, "  traffic:", "   traffic:", "service.yaml is no YAML"),
    (SERVICE, "apiVersion:", "a: b\n---\napiVersion:", "holds 2 documents"),
    (SERVICE, "image: ${image}", "imag: ${image}", "'image' is a required property"),
    (SERVICE, "name: APP_API_KEY", "name: APP_API_KY", "missing: secret APP_API_KEY"),
    (STAGES, "api_key_version: 1", "api_key_version: 0", "api_key_version: 1 or more"),
    (STAGES, "\nprod:", "\nproduction:", "there is no stage prod"),
    (STAGES, "percent: 100", "percent: 90", "the shares are 90 percent together"),
    (STAGES, "latestRevision: true,", "latestRevision: true, revisionName: x,", "and not both"),
    (STAGES, "change-me-prod", "Change Me", "is no id of a project"),
    (STAGES, "region: europe-west1", "region: europe", "is no region"),
    (STAGES, "region:", "regin:", "unknown field `regin`"),
    (STAGES, "max_instances: ", "max_instances: -", "max_instances at least 1"),
    ("terraform/identity.tf", '"google_service_account" "server"', '"x" "y"', "no resource x"),
]


@pytest.mark.parametrize(("file", "before", "after", "said"), BROKEN)
def test_a_fault_is_found(copied: Path, file: str, before: str, after: str, said: str) -> None:
    text = (copied / file).read_text("utf-8")
    assert before in text

    (copied / file).write_text(text.replace(before, after), "utf-8")

    assert any(said in fault for fault in found()), found()


def test_a_secret_by_value_is_refused(copied: Path) -> None:
    path = copied / SERVICE
    path.write_text(re.sub(r"valueFrom: .*", "value: open", path.read_text("utf-8")), "utf-8")

    assert any("APP_API_KEY has its value in service.yaml" in fault for fault in found())


def test_a_key_that_lasts_is_refused(copied: Path) -> None:
    key = 'resource "google_service_account_key" "k" {\n  service_account_id = "x"\n}\n'
    (copied / "terraform" / "key.tf").write_text(key)

    assert any("is a key that lasts" in fault for fault in found())


def test_a_canary_is_a_share_of_the_traffic(copied: Path) -> None:
    path = copied / STAGES
    split = "- {revisionName: churn-1, percent: 90}\n    - {latestRevision: true, percent: 10}"
    one = "- {latestRevision: true, percent: 100}"
    path.write_text(path.read_text("utf-8").replace(one, split), "utf-8")

    assert found() == []
    shares = stages.service("prod")["spec"]["traffic"]
    assert [share["percent"] for share in shares] == [90, 10]


def test_who_deploys_gets_only_what_that_takes() -> None:
    folder = stages.FOLDER / "terraform"
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.tf"))

    assert not re.findall(r"roles/(owner|editor|viewer|run\.admin|storage\.admin)\b", text)
    assert "allUsers" not in text
    assert terraform.made(folder, {})["google_storage_bucket.public_access_prevention"] == {
        "enforced"
    }


def test_what_is_deployed_is_filled_in(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "DEPLOY", copied.parent)

    stages.main(["prod", "registry/model:1"])

    text = (copied / "filled" / "prod.yaml").read_text("utf-8")
    written = yaml.safe_load(text)
    assert "${" not in text
    assert written["spec"]["template"]["spec"]["containers"][0]["image"] == "registry/model:1"
    assert "change-me-prod" in written["spec"]["template"]["spec"]["serviceAccountName"]
    labels = written["spec"]["template"]["metadata"]["labels"]
    assert re.fullmatch(r"\d{8}-\d{6}", labels["deployed"])


def test_the_commands_are_shown_and_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prod", "--dry-run", "--image", "model:1"]) == 0

    said = capsys.readouterr().out
    image = "europe-west1-docker.pkg.dev/change-me-prod/"
    assert f"docker push {image}" in said
    assert said.index("docker push") < said.index("gcloud run services replace deploy/cloud-run/f")
    assert "--project=change-me-prod --region=europe-west1" in said
