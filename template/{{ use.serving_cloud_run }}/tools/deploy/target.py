"""Google Cloud Run: deploy/cloud-run/service.yaml, and Terraform for what the service needs."""

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from engine.core.errors import SettingsError

from . import Check, Step, cloud_run, handed, stages, terraform
from .manifests import SCHEMAS, faults, schema

NAME = "Google Cloud Run"
STAGES = ("staging", "prod")
PROGRAMS = {
    "docker": "Docker Engine with its plugin buildx",
    "gcloud": "Google Cloud CLI; then gcloud auth login",
}
KEY = "google_service_account_key"


def checks() -> list[Check]:
    """What can be said of the files without an account."""
    return [
        Check("deploy/cloud-run/stages.yaml has every stage", _caught(_stages)),
        Check("deploy/cloud-run/service.yaml is what Cloud Run takes", _caught(_service)),
        Check("deploy/cloud-run/service.yaml tells the server what it needs", _caught(_told)),
        Check(f"what a stage has of secrets is handed on{_missing()}", _caught(_versions)),
        Check("deploy/cloud-run/terraform fits the provider's schema", _caught(_terraform)),
        Check("deploy/cloud-run/terraform makes what service.yaml names", _caught(_made)),
    ]


def steps(stage: str, image: str) -> list[Step]:
    """Build and push the image, replace the service, show what answers."""
    said = stages.stages()[stage]
    name = stages.service(stage)["metadata"]["name"]
    if "/" not in image:
        image = f"{said.region}-docker.pkg.dev/{said.project}/{name}/{image}"
    registry = image.partition("/")[0]
    where = [f"--project={said.project}", f"--region={said.region}"]
    file = f"deploy/cloud-run/filled/{stage}.yaml"
    shown = "--format=yaml(status.url,status.traffic)"
    run = ["gcloud", "run", "services"]
    build = ["docker", "build", "--platform=linux/amd64", "-f", "deploy/Dockerfile", "-t", image]
    describe = ["gcloud", "projects", "describe", said.project, "--format=value(projectId)"]
    fill = [sys.executable, "-m", "tools.deploy.stages", stage, image]
    return [
        Step("may this account see the project?", describe),
        Step("fill in service.yaml", fill),
        Step("log Docker in", ["gcloud", "auth", "configure-docker", registry, "--quiet"]),
        Step("build the image", [*build, "."]),
        Step("push it", ["docker", "push", image]),
        Step("replace the service; traffic as stages.yaml says", [*run, "replace", file, *where]),
        Step("show where it answers and the traffic", [*run, "describe", name, *where, shown]),
    ]


def _caught(look: Callable[[], Iterator[str]]) -> Callable[[], Iterator[str]]:
    """A look whose own refusal is one more fault."""

    def caught() -> Iterator[str]:
        try:
            yield from look()
        except (SettingsError, ValueError) as error:
            yield str(error)

    return caught


def _stages() -> Iterator[str]:
    found = stages.stages()
    for name in STAGES:
        if name not in found:
            yield f"there is no stage {name}"
    for name, stage in found.items():
        if name not in STAGES:
            yield f"{name}: STAGES in tools/deploy/target.py does not have it"
        if not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", stage.project):
            yield f"{name}.project: {stage.project!r} is no id of a project"
        if not re.fullmatch(r"[a-z]+-[a-z]+\d+", stage.region):
            yield f"{name}.region: {stage.region!r} is no region, such as europe-west1"
        if not 0 <= stage.min_instances <= stage.max_instances or not stage.max_instances:
            yield f"{name}: min_instances is at least 0, max_instances at least 1 and not less"


def _each() -> Iterator[tuple[str, stages.Stage, Any]]:
    """Each stage with its service."""
    for name, stage in stages.stages().items():
        yield name, stage, stages.service(name, whole=True)


def _service() -> Iterator[str]:
    known = schema("cloud_run")
    for name, _, found in _each():
        wrong = faults(found, known["service"])
        if not wrong:
            wrong = [*cloud_run.annotations(found, known["annotations"]), *cloud_run.limits(found)]
        if (found["kind"], found["apiVersion"]) != ("Service", "serving.knative.dev/v1"):
            wrong.append("kind and apiVersion: they are Service and serving.knative.dev/v1")
        yield from (f"{name}: {fault}" for fault in wrong)


def _told() -> Iterator[str]:
    for name, _, found in _each():
        if not faults(found, schema("cloud_run")["service"]):
            yield from (f"{name}: {fault}" for fault in cloud_run.told(found))


def _versions() -> Iterator[str]:
    known = {name.removesuffix("_version") for name in stages.asked()}
    for name, stage in stages.stages().items():
        if stage.api_key_version < 1:
            yield f"{name}.api_key_version: 1 or more, or anybody could ask"
        for secret, version in stage.secrets.items():
            if secret not in known:
                said = ", ".join(sorted(known))
                yield f"{name}.secrets: {secret} is none of service.yaml: {said}"
            if version < 0:
                yield f"{name}.secrets.{secret}: a version is 1 or more, or 0 where there is none"


def _missing() -> str:
    """The secrets that the settings ask for, and that a stage does not have."""
    found = set[str]()
    try:
        for name in stages.stages():
            [container] = stages.service(name)["spec"]["template"]["spec"]["containers"]
            env = {each["name"]: each.get("value") for each in container.get("env", [])}
            told = {key: value for key, value in env.items() if value is not None}
            found.add(handed.missing(told, env, "in stages.yaml (version 0)"))
    except (SettingsError, ValueError, KeyError, TypeError):  # said by the other checks
        return ""
    return "".join(sorted(found))


def _terraform() -> Iterator[str]:
    yield from terraform.faults(
        stages.FOLDER / "terraform", terraform.Schema(SCHEMAS / "google.json")
    )
    for path in (stages.FOLDER / "terraform").glob("*.tf"):
        if KEY in path.read_text("utf-8"):
            yield f"{path.name}: {KEY} is a key that lasts; lend an account instead, as ci.tf does"


def _made() -> Iterator[str]:
    for name, stage, found in _each():
        made = terraform.made(stages.FOLDER / "terraform", {"local.project": stage.project})
        text = str(found)
        named = {
            "google_storage_bucket.name": set(re.findall(r"gs://([^/']+)", text)),
            "google_service_account.account_id": set(re.findall(r"'([\w-]+)@[\w-]+\.iam\.", text)),
            "google_secret_manager_secret.secret_id": {
                each["valueFrom"]["secretKeyRef"].get("name")
                for container in found["spec"]["template"]["spec"]["containers"]
                for each in container.get("env", [])
                if "valueFrom" in each
            },
        }
        for what, names in named.items():
            for missing in sorted(names - made.get(what, set())):
                yield f"{name}: no {what} there is {missing}"
