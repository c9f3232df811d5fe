"""What no schema sees in a stage: the rules of KServe, of Knative, and of this server.

KServe's are those of its webhook (pkg/apis/serving/v1beta1, 0.20), Knative's those of its field
mask (pkg/apis/serving/fieldmask.go) as it comes; a feature can be switched on in config-features.
"""

import re
from collections.abc import Iterator
from typing import Any

from engine.core.errors import SettingsError
from engine.core.settings import Settings, load_settings
from engine.serving.http.protocols import open_inference

from . import DEPLOY, ROOT, read_text, rights

Manifest = dict[str, Any]

CONTAINER = "kserve-container"  # KServe adds nothing to one of another name
MODE = "serving.kserve.io/deploymentMode"
POD_REFUSED = {
    "affinity",
    "topologySpreadConstraints",
    "nodeSelector",
    "tolerations",
    "hostNetwork",
} | {
    *("securityContext", "initContainers", "terminationGracePeriodSeconds", "priorityClassName"),
    *("runtimeClassName", "schedulerName", "dnsPolicy", "dnsConfig", "hostAliases", "hostPID"),
    *("hostIPC", "shareProcessNamespace", "restartPolicy", "activeDeadlineSeconds", "nodeName"),
}
CONTAINER_REFUSED = {"lifecycle", "stdin", "stdinOnce", "tty", "volumeDevices"}
VOLUMES = {"name", "secret", "configMap", "projected", "emptyDir", "persistentVolumeClaim"}
PORTS = {"", "http1"}  # h2c would be gRPC


def faults(stage: list[Manifest]) -> Iterator[str]:
    """What is wrong with the manifests of a stage, which keep their schemas."""
    services = [each for each in stage if each["kind"] == "InferenceService"]
    if len(services) != 1:
        yield f"a stage has one InferenceService, not {len(services)}"
        return
    [service] = services
    predictor = service["spec"]["predictor"]
    containers = predictor.get("containers") or []
    if [each["name"] for each in containers] != [CONTAINER]:
        yield f"the predictor must have one container with the name {CONTAINER}"
        return
    yield from _kserve(service, predictor)
    yield from _knative(predictor, containers[0])
    yield from _server(service, predictor, containers[0])
    yield from _references(stage, predictor)


def _kserve(service: Manifest, predictor: Manifest) -> Iterator[str]:
    if service["metadata"].get("annotations", {}).get(MODE) != "Knative":
        yield f"the annotation {MODE} must be Knative: these checks are for that mode"
    env = {each["name"]: each.get("value") for each in predictor["containers"][0].get("env", [])}
    if env.get("PROTOCOL") != "v2":
        yield f"PROTOCOL is {env.get('PROTOCOL')!r}; the server speaks v2"
    least, most = predictor.get("minReplicas", 1), predictor.get("maxReplicas", 0)
    if most and least > most:
        yield f"minReplicas is {least}, but maxReplicas {most}"
    if not 0 <= predictor.get("canaryTrafficPercent", 100) <= 100:
        yield f"canaryTrafficPercent is {predictor['canaryTrafficPercent']}; it is 0 to 100"


def _knative(predictor: Manifest, container: Manifest) -> Iterator[str]:
    if predictor.get("scaleMetric", "concurrency") not in ("concurrency", "rps"):
        yield f"scaleMetric is {predictor['scaleMetric']}; Knative has concurrency and rps"
    for field in sorted(predictor.keys() & POD_REFUSED):
        yield f"predictor.{field}: Knative refuses it unless a feature of it is switched on"
    for field in sorted(container.keys() & CONTAINER_REFUSED):
        yield f"{CONTAINER}: Knative refuses {field}"
    for volume in predictor.get("volumes", []):
        for field in sorted(volume.keys() - VOLUMES):
            yield f"the volume {volume['name']} is of {field}, which Knative refuses as it comes"
    ports = container.get("ports", [])
    if len(ports) != 1 or ports[0].get("name", "") not in PORTS:
        yield "a container has one port in Knative, without a name or with the name http1"
    yield from rights.of_pod(predictor)


def _server(service: Manifest, predictor: Manifest, container: Manifest) -> Iterator[str]:
    """Where the server, with the environment that it finds there, says something else."""
    given = {each["name"]: each for each in container.get("env", [])}
    if "value" in given.get("APP_API_KEY", {}):
        yield "APP_API_KEY has its value in the file; it comes from a Secret only"
    env = _image() | {name: each["value"] for name, each in given.items() if "value" in each}
    try:
        settings = load_settings(ROOT / "settings.toml", env)
    except SettingsError as error:
        yield str(error)
        return
    if service["metadata"]["name"] != settings.name:
        yield (
            f"metadata.name is {service['metadata']['name']}, but the server's model is called "
            f"{settings.name} (name in settings.toml): clients would not find it"
        )
    for port in container.get("ports", []):
        if port["containerPort"] != settings.port:
            yield f"the server listens at port {settings.port}, not {port['containerPort']}"
    known = {f"{open_inference.PREFIX}/health/{state}" for state in ("live", "ready")}
    known |= {"/health/live", "/health/ready"}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container.get(probe, {}).get("httpGet", {})
        if asked.get("path") not in known:
            yield f"{probe} asks {asked.get('path')}; it must be one of {', '.join(sorted(known))}"
        elif asked["port"] != settings.port:
            yield f"{probe} asks port {asked['port']}; the server listens at {settings.port}"
    if predictor.get("timeout", 300) < 2 * settings.drain_seconds:
        yield (
            f"timeout is {predictor['timeout']}, which is also how long a pod may take to end; the "
            f"server takes up to twice its drain_seconds of {settings.drain_seconds}"
        )
    yield from _folders(container, settings)


def _folders(container: Manifest, settings: Settings) -> Iterator[str]:
    mounts = {each["mountPath"]: each for each in container.get("volumeMounts", [])}
    log = mounts.get(settings.prediction_log)
    if settings.prediction_log and (log is None or log.get("readOnly")):
        yield f"nothing can be written at {settings.prediction_log}, the prediction log"
    if "://" not in settings.store and settings.store not in mounts:
        yield f"APP_STORE is {settings.store}, where no volume is"
    written = load_settings(ROOT / "settings.toml", {}).store
    if "://" in written and written != settings.store:
        yield f"training writes to {written}, as settings.toml says; APP_STORE is {settings.store}"


def _references(stage: list[Manifest], predictor: Manifest) -> Iterator[str]:
    """What the service names and the stage does not hold; Secrets are never in a file."""
    there = {(each["kind"], each["metadata"]["name"]) for each in stage}
    named = [("ServiceAccount", predictor.get("serviceAccountName", "default"))]
    volumes = {volume["name"]: volume for volume in predictor.get("volumes", [])}
    for volume in volumes.values():
        if claim := volume.get("persistentVolumeClaim"):
            named.append(("PersistentVolumeClaim", claim["claimName"]))
    for kind, name in named:
        if (kind, name) not in there:
            yield f"there is no {kind} {name} in the file"
    for mount in predictor["containers"][0].get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"volumeMounts names {mount['name']}, which is none of the volumes"
    namespaces = sorted({str(each["metadata"].get("namespace")) for each in stage})
    if len(namespaces) != 1 or namespaces == ["None"]:
        yield f"the manifests of a stage share one namespace; these have {', '.join(namespaces)}"


def _image() -> dict[str, str]:
    """The APP_ variables that deploy/Dockerfile sets."""
    return dict(re.findall(r"(APP_\w+)=(\S+)", read_text(DEPLOY / "Dockerfile")))
