"""Triton: in a container on this machine, or by a Deployment and a Service in a cluster."""

from collections.abc import Iterator
from typing import Any

from engine.core.errors import ProjectError, SettingsError
from engine.core.settings import load_settings

from . import DEPLOY, ROOT, Check, Step
from .manifests import documents, faults, schema

NAME = "Triton"
STAGES = ("here", "kubernetes")
PROGRAMS = {
    "docker": "Docker Engine with its plugin buildx",
    "kubectl": "only for the stage kubernetes: the client of the cluster",
}
FOLDER = DEPLOY / "triton"
MANIFEST = FOLDER / "kubernetes.yml"
PORTS = {"http": 0, "grpc": 1, "metrics": 2}  # beside the port of the settings


def checks() -> list[Check]:
    """What can be said of the files without Docker and without a cluster."""
    return [
        Check("deploy/triton/kubernetes.yml keeps the schemas of its kinds", _kept),
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
            "take the image", ["kubectl", "set", "image", f"deployment/{name}", f"triton={image}"]
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
        for kind, document in _named().items():
            yield from (f"{kind}: {fault}" for fault in faults(document, schema(f"triton_{kind}")))
    except ProjectError as error:
        yield str(error)


def _references() -> Iterator[str]:
    if [*_kept()]:
        return  # said already
    deployment, service = _named()["Deployment"], _named()["Service"]
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"]
    for whose, selector in {
        "Deployment": deployment["spec"]["selector"]["matchLabels"],
        "Service": service["spec"]["selector"],
    }.items():
        if not selector.items() <= labels.items():
            yield f"{whose}: its selector {selector} finds no pod; their labels are {labels}"
    [container] = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    if ports != (expected := {name: 8000 + beside for name, beside in PORTS.items()}):
        yield f"containers: the ports are {ports}; Triton listens at {expected}"
    for port in service["spec"]["ports"]:
        if port["targetPort"] not in ports:
            yield f"Service: targetPort {port['targetPort']!r} is no port of the container"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if (name := container[probe]["httpGet"]["port"]) != "http":
            yield f"{probe}: health is answered at the port http, not {name!r}"
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    for mount in container["volumeMounts"]:
        if mount["name"] not in volumes:
            yield f"volumeMounts: there is no volume {mount['name']!r}"
    grace, drain = pod["spec"]["terminationGracePeriodSeconds"], load_settings().drain_seconds
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    if grace < wait + drain + 10:
        yield (
            f"terminationGracePeriodSeconds is {grace}; preStop ({wait}), drain_seconds ({drain}) "
            f"and ten more need {wait + drain + 10}"
        )


def _copied() -> Iterator[str]:
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text("utf-8").split()
    for line in (FOLDER / "Dockerfile").read_text("utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            source = line.split()[1]
            if not (ROOT / source).exists():
                yield f"{source} is not there"
            if f"!{source}" not in ignored:
                yield f"{source} is ignored by Dockerfile.dockerignore"
