"""Kubernetes: the kustomizations of deploy/kubernetes, one for each stage.

What can be said without a cluster: `kustomize.py` builds them, `kinds.py` has the schemas,
`references.py` and `agreement.py` look at what no schema can see.
"""

from collections.abc import Iterator
from functools import cache, partial
from itertools import chain
from typing import Any

from engine.core.errors import SettingsError

from . import (
    DEPLOY,
    ROOT,
    Check,
    Step,
    agreement,
    egress,
    handed,
    kinds,
    kustomize,
    manifests,
    references,
    rights,
    rules,
)
from .image import command, is_fixed

NAME = "Kubernetes"
OURS = ("dev", "staging", "canary", "prod")
PROGRAMS = {
    "docker": "Docker Engine with its plugin buildx, or Podman under that name",
    "kubectl": "Kubernetes' own client, 1.30 or newer",
}
FOLDER = DEPLOY / "kubernetes"
OVERLAYS = FOLDER / "overlays"
# What else has an overlay runs beside the stages, from an image that is not built here.
BESIDE = tuple(sorted({each.parent.name for each in OVERLAYS.glob("*/*")} - {*OURS}))
STAGES = (*OURS, *BESIDE)


def checks() -> list[Check]:
    """What can be said of the files without a cluster and without kubectl."""
    stages = [
        Check(f"overlays/{each} keeps the schemas", partial(_schemas, each)) for each in STAGES
    ]
    return [
        *stages,
        Check("the other files keep the schemas, and none is forgotten", _others),
        Check("labels, ports and names lead to what is there", _each(references.faults)),
        Check("the pods keep Kubernetes' restricted security standard", _each(_rights)),
        Check("probes, numbers and settings agree with the server", _each(agreement.faults)),
        Check(f"the server is let out to whom its settings name{_missing()}", _each(egress.faults)),
        Check("the alert rules are those of deploy/prometheus", rules.faults),
        Check("a stage reads the store that training writes", _store),
    ]


def steps(stage: str, image: str) -> list[Step]:
    """Build and push the image, name it in the overlay, apply that, wait until it runs.

    What runs beside the stages has an image already. Raises SettingsError for an image that a
    cluster could not pull, or that could change later.
    """
    path, _, last = image.rpartition("/")
    if stage in BESIDE:
        return _applied(stage)
    if stage != "dev" and not (path and is_fixed(image)):
        raise SettingsError(
            f"{stage} takes an image from a registry, and one that stays as it is: "
            f"--image REGISTRY/NAME:VERSION or REGISTRY/NAME@sha256:..., not {image}"
        )
    overlay = f"deploy/kubernetes/overlays/{stage}"
    found = []
    if "@" not in last:
        build = ["docker", "build", "-f", "deploy/Dockerfile", "-t", image, "."]
        found.append(Step("build the image on this machine", build))
        if path:
            found.append(Step("let the cluster pull it", ["docker", "push", image]))
    return [*found, Step(f"name it in {overlay}", command(stage, image)), *_applied(stage)]


def _missing() -> str:
    told = agreement.image_environment()
    return handed.missing(told, (), "unless the cluster has it")


def _applied(stage: str) -> list[Step]:
    metadata = _deployment(stage)["metadata"]
    name, namespace = f"deployment/{metadata['name']}", f"--namespace={metadata['namespace']}"
    seconds = _deployment(stage)["spec"].get("progressDeadlineSeconds", 600)
    wait = ["kubectl", "rollout", "status", name, namespace, f"--timeout={2 * seconds // 60}m"]
    apply = ["kubectl", "apply", "-k", f"deploy/kubernetes/overlays/{stage}"]
    return [Step("hand it to the cluster", apply), Step("wait until it runs", wait)]


@cache
def _built(stage: str) -> list[kustomize.Manifest]:
    return kustomize.build(OVERLAYS / stage)


def _deployment(stage: str) -> kustomize.Manifest:
    return next(each for each in _built(stage) if each["kind"] == "Deployment")


@cache
def _schemas(stage: str) -> list[str]:
    try:
        return list(chain.from_iterable(map(kinds.faults, _built(stage))))
    except KeyError as error:
        return [f"it cannot be built: {error} is missing"]
    except (ValueError, TypeError, AttributeError) as error:
        return [f"it cannot be built: {error}"]


def _sound() -> list[list[kustomize.Manifest]]:
    """The stages that keep their schemas, so that a look at them finds what it looks for."""
    return [_built(stage) for stage in STAGES if not _schemas(stage)]


def _each(look: Any) -> Any:
    """Look at every stage that keeps its schemas; what is wrong in several is said once."""

    def faults() -> Iterator[str]:
        every = list(chain.from_iterable(_sound()))
        yield from dict.fromkeys(fault for stage in _sound() for fault in look(stage, every))

    return faults


def _others() -> Iterator[str]:
    try:
        taken = {path.resolve() for stage in STAGES for path in kustomize.files(OVERLAYS / stage)}
    except ValueError:  # said by the check of its overlay
        return
    for path in sorted(set(FOLDER.rglob("*.yaml")) - taken):
        if path.parent != FOLDER:
            yield f"{path.relative_to(ROOT)} is taken by no kustomization"
            continue
        yield from chain.from_iterable(map(kinds.faults, manifests.documents(path)))


def _rights(stage: list[kustomize.Manifest], _: list[kustomize.Manifest]) -> Iterator[str]:
    return rights.faults(stage)


def _store() -> Iterator[str]:
    yield from agreement.store_faults(_sound())
