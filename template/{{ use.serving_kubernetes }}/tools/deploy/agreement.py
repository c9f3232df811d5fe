"""Whether manifests agree with the server: its paths, its settings, and how it ends."""

import re
from collections.abc import Iterator
from typing import Any, cast

from engine.core.errors import SettingsError
from engine.core.settings import Settings, load_settings
from engine.serving.http.app import routes
from engine.serving.http.endpoints import Endpoints

from . import DEPLOY, ROOT, handed, read_text
from .kustomize import Manifest

SETTINGS = ROOT / "settings.toml"
UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 10**3, "M": 10**6, "G": 10**9}


def faults(stage: list[Manifest], _: list[Manifest]) -> Iterator[str]:
    """Where a stage says something else than the server does."""
    for each in stage:
        if is_server(each):
            yield from (
                f"Deployment {each['metadata']['name']}: {fault}" for fault in _of(each, stage)
            )
        if each["kind"] == "HorizontalPodAutoscaler":
            least, most = each["spec"].get("minReplicas", 1), each["spec"]["maxReplicas"]
            if least > most:
                yield f"HorizontalPodAutoscaler: minReplicas {least}, but maxReplicas {most}"
        if each["kind"] == "ServiceMonitor":
            for endpoint in each["spec"]["endpoints"]:
                if endpoint.get("path", "/metrics") not in paths():
                    yield f"ServiceMonitor: the server has no {endpoint['path']}"


def store_faults(stages: list[list[Manifest]]) -> Iterator[str]:
    """Whether training writes to a store that no stage reads."""
    written = load_settings(SETTINGS, {}).store
    read = {
        environment(deployment, stage).get("APP_STORE", "")
        for stage in stages
        for deployment in stage
        if is_server(deployment)
    }
    if "://" in written and written not in read:
        yield f"no stage reads {written}, the store of settings.toml; APP_STORE is {sorted(read)}"


def is_server(manifest: Manifest) -> bool:
    """Whether it starts the server; what runs beside it says so by a label, `component`."""
    labels = manifest["metadata"].get("labels", {})
    return manifest["kind"] == "Deployment" and "app.kubernetes.io/component" not in labels


def paths() -> set[str]:
    """The paths that the server answers; nobody is asked, so the class will do as its object."""
    return set(routes(cast("Endpoints", Endpoints)))


def environment(deployment: Manifest, stage: list[Manifest]) -> dict[str, str]:
    """What the server finds in its environment: that of the image, then that of the pod.

    Secrets are not there.
    """
    settings = {
        each["metadata"]["name"]: each["data"] for each in stage if each["kind"] == "ConfigMap"
    }
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    found = image_environment()
    for source in container.get("envFrom", []):
        found |= settings.get(source.get("configMapRef", {}).get("name"), {})
    return found | {
        each["name"]: each["value"] for each in container.get("env", []) if "value" in each
    }


def image_environment() -> dict[str, str]:
    """The APP_ variables that deploy/Dockerfile sets."""
    return dict(re.findall(r"(APP_\w+)=(\S+)", read_text(DEPLOY / "Dockerfile")))


def _of(deployment: Manifest, stage: list[Manifest]) -> Iterator[str]:
    pod = deployment["spec"]["template"]["spec"]
    if len(pod["containers"]) != 1:
        yield "a pod has one container; what stands beside the server is not known here"
        return
    [container] = pod["containers"]
    told = {each["name"]: each.get("value") for each in container.get("env", [])}
    yield from handed.faults(told, "its env")
    try:
        settings = load_settings(SETTINGS, environment(deployment, stage))
    except SettingsError as error:
        yield str(error)
        return
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = container.get(probe, {}).get("httpGet", {}).get("path")
        if path is None:
            yield f"it has no {probe} that asks a path"
        elif path not in paths():
            yield f"{probe} asks {path}, which the server has not: {', '.join(sorted(paths()))}"
    ports = [port["containerPort"] for port in container.get("ports", [])]
    if settings.port not in ports:
        yield f"the server listens at port {settings.port}, the container names {ports}"
    yield from _end(pod, container, settings)
    yield from _volumes(pod, container, settings)


def _end(pod: dict[str, Any], container: dict[str, Any], settings: Settings) -> Iterator[str]:
    """Twice drain_seconds: until it closes its port, and then for what is still on its way."""
    before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    grace = pod.get("terminationGracePeriodSeconds", 30)
    needed = before + 2 * settings.drain_seconds
    if grace < needed:
        yield (
            f"terminationGracePeriodSeconds is {grace}; preStop takes {before}, and the server up "
            f"to twice its drain_seconds of {settings.drain_seconds}: at least {needed}"
        )


def _volumes(pod: dict[str, Any], container: dict[str, Any], settings: Settings) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
    if settings.prediction_log:
        mount = mounts.get(settings.prediction_log, {})
        room = volumes.get(mount.get("name"), {}).get("emptyDir", {}).get("sizeLimit")
        if not mount or mount.get("readOnly"):
            yield f"nothing can be written at {settings.prediction_log}, the prediction log"
        elif room and _bytes(room) < settings.prediction_log_mb * 1_250_000:
            yield (
                f"the volume {mount['name']} takes {room}; a pod with a full one is ended, so it "
                f"needs a quarter more than prediction_log_mb, {settings.prediction_log_mb}"
            )
    if "://" not in settings.store and settings.store not in mounts:
        yield f"APP_STORE is {settings.store}, where no volume is"


def _bytes(quantity: str | int) -> float:
    """The bytes of a quantity of Kubernetes; none where it is not one."""
    found = re.fullmatch(r"([\d.]+(?:e\d+)?)([KMGTkmi]*)", str(quantity))
    return float(found[1]) * UNITS.get(found[2], 0) if found else 0.0
