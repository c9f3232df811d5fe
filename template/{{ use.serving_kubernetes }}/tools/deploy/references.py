"""Whether manifests lead to each other: by labels, by ports, by names."""

from collections.abc import Iterator
from typing import Any

from .kustomize import Manifest


def faults(stage: list[Manifest], every: list[Manifest]) -> Iterator[str]:
    """What leads nowhere; `every` holds the manifests of the stages that share a namespace too."""
    here = [each for each in every if each["metadata"]["namespace"] == _namespace(stage)]
    yield from _labels(stage, here)
    yield from _ports(stage, here)
    yield from _names(stage, here)


def _labels(stage: list[Manifest], here: list[Manifest]) -> Iterator[str]:
    pods = [
        each["spec"]["template"]["metadata"].get("labels", {}) for each in _of(here, "Deployment")
    ]
    services = [each["metadata"].get("labels", {}) for each in _of(here, "Service")]
    for each in stage:
        spec = each.get("spec", {})
        wanted, found, whose = {
            "Service": (spec.get("selector"), pods, "pod"),
            "PodDisruptionBudget": (spec.get("selector", {}).get("matchLabels"), pods, "pod"),
            "NetworkPolicy": (spec.get("podSelector", {}).get("matchLabels"), pods, "pod"),
            "ServiceMonitor": (spec.get("selector", {}).get("matchLabels"), services, "Service"),
        }.get(each["kind"], ({}, [{}], ""))
        if not any(_matches(wanted or {}, labels) for labels in found):
            yield f"{_shown(each)}: no {whose} has the labels that it selects, {wanted}"
    for each in _of(stage, "Deployment"):
        spec = each["spec"]
        own = spec["template"]["metadata"].get("labels", {})
        if not _matches(spec["selector"].get("matchLabels", {}), own):
            yield f"{_shown(each)}: its selector does not match the labels of its pods, {own}"
        for spread in spec["template"]["spec"].get("topologySpreadConstraints", []):
            if not _matches(spread["labelSelector"]["matchLabels"], own):
                yield f"{_shown(each)}: topologySpreadConstraints select other pods than its own"


def _ports(stage: list[Manifest], here: list[Manifest]) -> Iterator[str]:
    containers = [c for each in _of(here, "Deployment") for c in _pod(each)["containers"]]
    named = {port.get("name") for c in containers for port in c.get("ports", [])}
    numbers = {port["containerPort"] for c in containers for port in c.get("ports", [])}
    for each in _of(stage, "Deployment"):
        for container in _pod(each)["containers"]:
            own = {port.get("name") for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                port = container.get(probe, {}).get("httpGet", {}).get("port")
                if port is not None and port not in own | numbers:
                    yield f"{_shown(each)}: {probe} asks port {port}, which the container has not"
    for each in _of(stage, "Service"):
        for port in each["spec"].get("ports", []):
            if port.get("targetPort", port["port"]) not in named | numbers:
                yield f"{_shown(each)}: no pod has the port {port.get('targetPort', port['port'])}"
    served = {p.get("name") for each in _of(here, "Service") for p in each["spec"].get("ports", [])}
    for each in _of(stage, "ServiceMonitor"):
        for endpoint in each["spec"]["endpoints"]:
            if endpoint.get("port") not in served:
                yield f"{_shown(each)}: no Service has the port {endpoint.get('port')}"
    for each in _of(stage, "NetworkPolicy"):
        for rule in each["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                if port.get("port") not in named | numbers:
                    yield f"{_shown(each)}: it lets in to port {port.get('port')}, which no pod has"


def _names(stage: list[Manifest], here: list[Manifest]) -> Iterator[str]:
    there = {(each["kind"], each["metadata"]["name"]) for each in here}
    for each in stage:
        for kind, name in _named(each):
            if (kind, name) not in there:
                yield f"{_shown(each)}: there is no {kind} {name}"


def _named(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """Whom a manifest names; a Secret is none of the files."""
    if manifest["kind"] == "HorizontalPodAutoscaler":
        target = manifest["spec"]["scaleTargetRef"]
        yield target["kind"], target["name"]
    if manifest["kind"] != "Deployment":
        return
    pod = _pod(manifest)
    yield "ServiceAccount", pod.get("serviceAccountName", "default")
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for volume in volumes.values():
        if claim := volume.get("persistentVolumeClaim"):
            yield "PersistentVolumeClaim", claim["claimName"]
    for container in pod["containers"]:
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                yield "ConfigMap", source["configMapRef"]["name"]
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield "volume", mount["name"]


def _matches(wanted: dict[str, str], labels: dict[str, str]) -> bool:
    return wanted.items() <= labels.items()


def _of(manifests: list[Manifest], kind: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] == kind]


def _pod(deployment: Manifest) -> dict[str, Any]:
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def _namespace(stage: list[Manifest]) -> str:
    return str(stage[0]["metadata"]["namespace"])


def _shown(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"
