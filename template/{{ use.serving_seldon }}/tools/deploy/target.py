"""Seldon Core 2: servers with this project's runtime, the champion, and a candidate beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.errors import SettingsError
from engine.core.settings import Settings

from . import DEPLOY, ROOT, Check, Step, kinds, read_text
from .manifests import documents, faults, schema

NAME = "Seldon Core 2"
STAGES = ("prod", "canary")
PROGRAMS = {
    "docker": "Docker Engine with its plugin buildx",
    "kubectl": "the client of a cluster in which Seldon Core 2 is installed",
}
FOLDER = DEPLOY / "seldon"
FILES = {"seldon.yml": ["Server", "Model"], "experiment.yml": ["Model", "Experiment"]}
CONTAINER = "mlserver"  # Seldon lays it over the one of that name in its ServerConfig
RUNTIME = "engine.serving.seldon.runtime.Runtime"


def checks() -> list[Check]:
    """What can be said of the files without a cluster."""
    return [
        Check("deploy/seldon/*.yml keep the schemas of their kinds", _kept),
        Check("models find a server, and an experiment its models", _references),
        Check("each model-settings.json is loaded by MLServer and by the engine", _models),
        Check("deploy/seldon/Dockerfile copies what is there and not ignored", _copied),
    ]


def steps(stage: str, image: str) -> list[Step]:
    """Build and push the image, hand over the manifests; `canary` also begins the experiment."""
    if "/" not in image:
        raise SettingsError(
            f"a cluster cannot pull {image!r}: name the image where it is pushed, "
            "such as --image registry/name:tag"
        )
    file = "deploy/seldon/Dockerfile"
    [server] = [each for each in _all() if each["kind"] == "Server"]
    patch = [{"op": "replace", "path": "/spec/podSpec/containers/0/image", "value": image}]
    name = server["metadata"]["name"]
    found = [
        Step("build the image", ["docker", "build", "-f", file, "-t", image, "."]),
        Step("push it", ["docker", "push", image]),
        Step("hand over server and model", ["kubectl", "apply", "-f", "deploy/seldon/seldon.yml"]),
        Step(
            "take the image",
            ["kubectl", "patch", "server", name, "--type=json", f"--patch={json.dumps(patch)}"],
        ),
        _wait("model", name),
    ]
    if stage == "canary":
        apply = ["kubectl", "apply", "-f", "deploy/seldon/experiment.yml"]
        found += [Step("begin the experiment", apply), _wait("experiment", name)]
    return found


def _wait(kind: str, name: str) -> Step:
    ready = ["--for=condition=ready", "--timeout=300s"]
    return Step("wait until it answers", ["kubectl", "wait", f"{kind}/{name}", *ready])


def _all() -> list[dict[str, Any]]:
    return [each for file in FILES for each in documents(FOLDER / file)]


def _kept() -> Iterator[str]:
    for file, wanted in FILES.items():
        try:
            found = [*documents(FOLDER / file)]
        except ValueError as error:
            yield str(error)
            continue
        if (has := [str(each.get("kind")) for each in found]) != wanted:
            yield f"{file} must hold {' and '.join(wanted)}, not {' and '.join(has) or 'nothing'}"
            continue
        for each in found:
            rules = {**schema(f"seldon_{each['kind']}"), "$defs": kinds.definitions()}
            told = faults(each, rules)
            yield from (f"{file}: {each['kind']}: {fault}" for fault in told)


def _references() -> Iterator[str]:
    if [*_kept()]:
        return  # said already
    found = _all()
    [server] = [each for each in found if each["kind"] == "Server"]
    models = {each["metadata"]["name"]: each for each in found if each["kind"] == "Model"}
    if (name := server["spec"]["podSpec"]["containers"][0]["name"]) != CONTAINER:
        yield f"Server: the first container is {name}; `deploy` sets the image of {CONTAINER} there"
    offered = {*server["spec"]["capabilities"], *server["spec"].get("extraCapabilities", [])}
    for name, model in models.items():
        if missing := {*model["spec"]["requirements"]} - offered:
            yield f"Model {name}: no server has {sorted(missing)}; there is {sorted(offered)}"
    for each in (each["spec"] for each in (server, *models.values())):
        if each.get("minReplicas", 1) > each.get("maxReplicas", 1 << 30):
            yield f"minReplicas {each['minReplicas']} is over maxReplicas {each['maxReplicas']}"
    [experiment] = [each["spec"] for each in found if each["kind"] == "Experiment"]
    named = [each["name"] for each in experiment["candidates"]]
    for name in {*named, experiment["default"]} - {*models}:
        yield f"Experiment: there is no Model {name!r}"
    if experiment["default"] not in named:
        yield f"Experiment: default {experiment['default']!r} is none of its candidates"


def _models() -> Iterator[str]:
    known = {*Settings.__struct_fields__}
    files = sorted(FOLDER.glob("*/*/model-settings.json"))
    if not files:
        yield "there is no deploy/seldon/models/*/model-settings.json"
    for file in files:
        where = file.relative_to(ROOT).as_posix()
        try:
            found = json.loads(read_text(file))
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        if told := faults(found, schema("seldon_model_settings")):
            yield from (f"{where}: {fault}" for fault in told)
            continue
        if found["name"] != file.parent.name:
            yield f"{where}: name is {found['name']!r}; MLServer wants that of its folder"
        if not _has(found["implementation"]):
            yield f"{where}: implementation is {found['implementation']!r}, not {RUNTIME}"
        extra = found.get("parameters", {}).get("extra", {})
        for name in sorted(extra.keys() - known):
            yield f"{where}: parameters.extra.{name} is no setting; known: {sorted(known)}"


def _has(implementation: str) -> bool:
    module, _, name = implementation.rpartition(".")
    file = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
    return file.is_file() and f"class {name}(" in file.read_text("utf-8")


def _copied() -> Iterator[str]:
    ignored = read_text(FOLDER / "Dockerfile.dockerignore").split()
    for line in read_text(FOLDER / "Dockerfile").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            source = line.split()[1]
            if not (ROOT / source).exists():
                yield f"{source} is not there"
            if f"!{source}" not in ignored:
                yield f"{source} is ignored by Dockerfile.dockerignore"
