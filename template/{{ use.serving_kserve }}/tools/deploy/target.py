"""KServe: an InferenceService for each stage, in deploy/kserve.

What can be said without a cluster: `kinds.py` holds the files against published schemas, and
`service.py` looks at what no schema sees.
"""

from collections.abc import Iterator
from functools import partial

from engine.core.errors import SettingsError

from . import DEPLOY, ROOT, Check, Step, kinds, manifests, service
from .image import command, is_fixed, of_service

NAME = "KServe"
STAGES = ("dev", "staging", "prod")
PROGRAMS = {
    "docker": "Docker Engine with its plugin buildx, or Podman under that name",
    "kubectl": "Kubernetes' own client",
}
FOLDER = DEPLOY / "kserve"


def checks() -> list[Check]:
    """What can be said of the files without a cluster and without kubectl."""
    kept = [
        Check(f"kserve/{each}.yaml keeps the schemas", partial(_schemas, each)) for each in STAGES
    ]
    said = [
        Check(f"kserve/{each}.yaml fits KServe, Knative and the server", partial(_service, each))
        for each in STAGES
    ]
    watched = Check("kserve/monitoring.yaml leads to the pods of every stage", _monitored)
    return [*kept, Check("the other files keep the schemas", _others), *said, watched]


def steps(stage: str, image: str) -> list[Step]:
    """Build, push, write down and apply an image; then wait for KServe.

    Raises SettingsError for an image that could be another one tomorrow, but in dev.
    """
    path, _, last = image.rpartition("/")
    if stage != "dev" and not (path and is_fixed(image)):
        raise SettingsError(
            f"{stage} takes an image from a registry, and one that stays as it is: "
            f"--image REGISTRY/NAME:VERSION or REGISTRY/NAME@sha256:..., not {image}"
        )
    file = f"deploy/kserve/{stage}.yaml"
    metadata = of_service(FOLDER / f"{stage}.yaml")["metadata"]
    name, namespace = metadata["name"], f"--namespace={metadata['namespace']}"
    found = []
    if "@" not in last:
        build = ["docker", "build", "-f", "deploy/Dockerfile", "-t", image, "."]
        found.append(Step("build the image on this machine", build))
        if path:
            found.append(Step("let the cluster pull it", ["docker", "push", image]))
    ready = ["kubectl", "wait", "--for=condition=Ready", f"inferenceservice/{name}", namespace]
    label = f"--selector=serving.knative.dev/service={name}-predictor"
    return [
        *found,
        Step(f"name it in {file}", command(file, image)),
        Step("hand it to the cluster", ["kubectl", "apply", "-f", file]),
        Step("wait until it answers", [*ready, "--timeout=10m"]),
        Step("show which images answer", ["kubectl", "get", "revisions", namespace, label]),
    ]


def _schemas(stage: str) -> list[str]:
    path = FOLDER / f"{stage}.yaml"
    if not path.is_file():
        return [f"{path.relative_to(ROOT)} is not there"]
    try:
        return [fault for each in manifests.documents(path) for fault in kinds.faults(each)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{path.name} is no list of manifests: {error}"]


def _service(stage: str) -> Iterator[str]:
    if not _schemas(stage):  # else its own check has said what is wrong
        yield from service.faults(list(manifests.documents(FOLDER / f"{stage}.yaml")))


def _monitored() -> Iterator[str]:
    path = FOLDER / "monitoring.yaml"
    if not path.is_file() or any(map(_schemas, [path.stem, *STAGES])):
        return  # whoever has no operator leaves it out; else another check has said what is wrong
    for monitor in manifests.documents(path):
        spec = monitor["spec"]
        selected = spec["selector"].get("matchLabels", {}).get("serving.knative.dev/service")
        watched = spec.get("namespaceSelector", {}).get("matchNames", [])
        ports = {each.get("portNumber") for each in spec["podMetricsEndpoints"]}
        for stage in STAGES:
            found = of_service(FOLDER / f"{stage}.yaml")
            name, namespace = found["metadata"]["name"], found["metadata"]["namespace"]
            containers = found["spec"]["predictor"].get("containers", [])
            open_ = {p["containerPort"] for each in containers for p in each.get("ports", [])}
            if selected != f"{name}-predictor":
                yield f"it selects {selected}; the pods of {stage} are of {name}-predictor"
            if namespace not in watched:
                yield f"it does not look into {namespace}, where {stage} is"
            if not ports <= open_:
                yield f"it asks at {[*ports]}; {stage} answers at {[*open_]}"


def _others() -> Iterator[str]:
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.stem not in STAGES:
            yield from _schemas(path.stem)
