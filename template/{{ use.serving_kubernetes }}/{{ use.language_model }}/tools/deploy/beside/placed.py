"""The language model as Kubernetes starts it."""

from typing import Any

from .. import kustomize, target
from . import Placed

STAGE = "llm"


def found() -> Placed:
    """It, in its own stage; and what the servers of the other stages are told."""
    stage = kustomize.build(target.OVERLAYS / STAGE)
    [deployment] = (each for each in stage if each["kind"] == "Deployment")
    [service] = (each for each in stage if each["kind"] == "Service")
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    [it] = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in it["volumeMounts"]}
    [port] = service["spec"]["ports"]
    monitors = [each for each in stage if each["kind"] == "ServiceMonitor"]
    namespace, name = deployment["metadata"]["namespace"], service["metadata"]["name"]
    return Placed(
        image=it["image"],
        arguments=it["args"],
        environment={each["name"]: each["value"] for each in it["env"] if "value" in each},
        gpus=int(it["resources"]["limits"].get("nvidia.com/gpu", 0)),
        shared_memory=mounts.get("/dev/shm", {}).get("emptyDir", {}).get("medium") == "Memory",
        kept=[path for path, volume in mounts.items() if "persistentVolumeClaim" in volume],
        probes={
            probe: it.get(probe, {}).get("httpGet", {}).get("path", "")
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        },
        port=port["port"],
        host=f"{name}.{namespace}",
        asked=_asked(),
        scraped={f"{name}:{port['port']}" for each in monitors if _reads(each)},
    )


def _reads(monitor: kustomize.Manifest) -> bool:
    return any(each.get("path", "/metrics") == "/metrics" for each in monitor["spec"]["endpoints"])


def _asked() -> list[str]:
    servers = (
        container
        for name in target.OURS
        for each in kustomize.build(target.OVERLAYS / name)
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
    )
    variables = (variable for container in servers for variable in container.get("env", []))
    return [each["value"] for each in variables if each["name"] == "APP_LLM_URL"]
