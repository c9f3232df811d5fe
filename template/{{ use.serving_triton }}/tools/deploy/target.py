"""Triton: in a container on this machine, or by a Deployment and a Service in a cluster."""

from collections.abc import Iterator
from typing import Any

from engine.core.errors import ProjectError, SettingsError
from engine.core.settings import load_settings

from . import DEPLOY, ROOT, Check, Step, kinds, read_text, rights
from .manifests import documents

NAME = "Triton"
STAGES = ("here", "kubernetes")
PROGRAMS = {
    "docker": "Docker Engine with its plugin buildx",
    "kubectl": "only for the stage kubernetes: the client of the cluster",
}
FOLDER = DEPLOY / "triton"
MANIFEST = FOLDER / "kubernetes.yml"
PORTS = {"http": 0, "grpc": 1, "metrics": 2}  # beside the port of the settings
CONTAINER = "triton"
HEALTH = ("/v2/health/live", "/v2/health/ready")


def checks() -> list[Check]:
    """What can be said of the files without Docker and without a cluster."""
    return [
        Check("deploy/triton/kubernetes.yml keeps the schemas of its kinds", _kept),
        Check("its pods keep Kubernetes' restricted security standard", _rights),
        Check("its names, labels and ports lead to what is there", _references),
        Check("deploy/triton/Dockerfile copies what is there and not ignored", _copied),
    ]


def steps(stage: str, image: str) -> list[Step]:
    """Build the image; start it here, or push it and let the cluster take it."""
    file = "deploy/triton/Dockerfile"
    build = Step("build the image", ["docker", "build", "-f", file, "-t", image, "."])
    if stage == "here":
        ports = [f"--publish={8000 + beside}:{8000 + beside}" for beside in PORTS.values()]
        store = f"{ROOT / load_settings().store}:/data/store:ro"
        start = ["docker", "run", "--detach", "--shm-size=256m", *ports, "--volume", store, image]
        return [build, Step("start it", start)]
    if "/" not in image:
        raise SettingsError(
            f"a cluster cannot pull {image!r}: name the image where it is pushed, "
            "such as --image registry/name:tag"
        )
    name = _named()["Deployment"]["metadata"]["name"]
    return [
        build,
        Step("push it", ["docker", "push", image]),
        Step("hand over the manifests", ["kubectl", "apply", "-f", "deploy/triton/kubernetes.yml"]),
        Step(
            "take the image",
            ["kubectl", "set", "image", f"deployment/{name}", f"{CONTAINER}={image}"],
        ),
        Step("wait until it answers", ["kubectl", "rollout", "status", f"deployment/{name}"]),
    ]


def _named() -> dict[str, Any]:
    """The documents by their kind.

    Raises ProjectError where one is missing or there twice.
    """
    try:
        found = [*documents(MANIFEST)]
    except ValueError as error:
        raise ProjectError(str(error)) from None
    kinds = sorted(str(each.get("kind")) for each in found)
    if kinds != ["Deployment", "Service"]:
        raise ProjectError(f"{MANIFEST.name} must hold a Deployment and a Service, not {kinds}")
    return {each["kind"]: each for each in found}


def _kept() -> Iterator[str]:
    try:
        for document in _named().values():
            yield from kinds.faults(document)
    except ProjectError as error:
        yield str(error)


def _rights() -> Iterator[str]:
    if not [*_kept()]:  # else said already
        yield from rights.faults([_named()["Deployment"]])


def _references() -> Iterator[str]:
    if [*_kept()]:
        return  # said already
    deployment, service = _named()["Deployment"], _named()["Service"]
    pod = deployment["spec"]["template"]
    labels = pod.get("metadata", {}).get("labels", {})
    for whose, selector in {
        "Deployment": deployment["spec"]["selector"].get("matchLabels", {}),
        "Service": service["spec"].get("selector", {}),
    }.items():
        if not (selector and selector.items() <= labels.items()):
            yield f"{whose}: its selector {selector} finds no pod; their labels are {labels}"
    found = [each for each in pod["spec"]["containers"] if each["name"] == CONTAINER]
    if not found:
        yield f"containers: none has the name {CONTAINER}, whose image `deploy` sets"
        return
    yield from _ports(service, found[0])
    for part in ("requests", "limits"):
        if "memory" not in found[0].get("resources", {}).get(part, {}):
            yield f"resources: {part} name no memory, so that a node may be filled with pods"
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
    for mount in found[0].get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"volumeMounts: there is no volume {mount['name']!r}"
    grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
    wait, drain = _before(found[0]), load_settings().drain_seconds
    if grace < wait + drain + 10:
        yield (
            f"terminationGracePeriodSeconds is {grace}; preStop ({wait}), drain_seconds ({drain}) "
            f"and ten more need {wait + drain + 10}"
        )


def _ports(service: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
    if ports != (expected := {name: 8000 + beside for name, beside in PORTS.items()}):
        yield f"containers: the ports are {ports}; Triton listens at {expected}"
    for port in service["spec"].get("ports", []):
        if (to := port.get("targetPort", port["port"])) not in {*ports, *ports.values()}:
            yield f"Service: targetPort {to!r} is no port of the container"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container.get(probe, {}).get("httpGet", {})
        if asked.get("port") not in ("http", 8000) or asked.get("path") not in HEALTH:
            yield f"{probe}: health is answered at the port http, at {' and '.join(HEALTH)}"


def _before(container: dict[str, Any]) -> int:
    """The seconds that a pod still answers after it is told to end."""
    stop = container.get("lifecycle", {}).get("preStop", {})
    match stop.get("exec", {}).get("command"):
        case ["sleep", seconds] if seconds.isdigit():
            return int(seconds)
    return int(stop.get("sleep", {}).get("seconds", 0))


def _copied() -> Iterator[str]:
    ignored = read_text(FOLDER / "Dockerfile.dockerignore").split()
    for line in read_text(FOLDER / "Dockerfile").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            source = line.split()[1]
            if not (ROOT / source).exists():
                yield f"{source} is not there"
            if f"!{source}" not in ignored:
                yield f"{source} is ignored by Dockerfile.dockerignore"
