"""The manifests of a kustomization, as `kubectl kustomize` prints them, without that program.

It knows what deploy/ uses and refuses the rest, so that nothing is passed over: resources,
components, configMapGenerator (literals), strategic patches, labels, images, namespace, nameSuffix.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import yaml

from .manifests import documents

Manifest = dict[str, Any]

GENERATED = "generated here"  # a mark that no manifest has
KNOWN = {"apiVersion", "kind", "resources", "components", "configMapGenerator", "patches"} | {
    *("labels", "images", "namespace", "nameSuffix")
}
# Lists that are merged by a field; others are replaced: patchMergeKey in the Kubernetes API.
MERGED_BY = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}


def build(folder: Path) -> list[Manifest]:
    """The manifests of a folder with a kustomization.

    Raises ValueError naming the file and what is wrong with it.
    """
    found = _built(folder, [])
    for each in found:
        if each.pop(GENERATED, False):
            _rename(found, each, f"{each['metadata']['name']}-{_digest(each['data'])}")
    return found


def files(folder: Path) -> Iterator[Path]:
    """Every file that a folder with a kustomization takes from, itself included."""
    path = folder / "kustomization.yaml"
    rules = _read(path)
    yield path
    for entry in [*rules.get("resources", []), *rules.get("components", [])]:
        there = (folder / entry).resolve()
        yield from files(there) if there.is_dir() else [there]
    yield from (folder / each["path"] for each in rules.get("patches", []) if "path" in each)


def _built(folder: Path, found: list[Manifest]) -> list[Manifest]:
    """What a kustomization makes of manifests; only a component is given some."""
    path = folder / "kustomization.yaml"
    rules = _read(path)
    for entry in rules.get("resources", []):
        there = (folder / entry).resolve()
        more = _built(there, []) if there.is_dir() else _manifests(there)
        for each in more:
            _check_new(each, found, path)
            found.append(each)
    for entry in rules.get("components", []):
        found = _built((folder / entry).resolve(), found)
    for entry in rules.get("configMapGenerator", []):
        _generate(found, entry, path)
    for entry in rules.get("patches", []):
        _patch(found, entry, path)
    for each in found:
        _transform(each, rules)
    for each in found:
        if suffix := rules.get("nameSuffix"):
            _rename(found, each, each["metadata"]["name"] + suffix)
    return found


def _read(path: Path) -> dict[str, Any]:
    rules = _only(_documents(path), path)
    _known(rules, KNOWN, path)
    return rules


def _documents(path: Path) -> list[Any]:
    if not path.is_file():
        raise ValueError(f"{_shown(path)} is not there")
    return list(documents(path))


def _manifests(path: Path) -> list[Manifest]:
    found = _documents(path)
    for each in found:
        _check_named(each, path)
    return found


def _generate(found: list[Manifest], entry: dict[str, Any], path: Path) -> None:
    _known(entry, {"name", "behavior", "literals"}, path)
    values = dict(literal.split("=", 1) for literal in entry["literals"])
    if entry.get("behavior") == "merge":
        _named(found, "ConfigMap", entry["name"], path)["data"].update(values)
        return
    head = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": entry["name"]}}
    found.append({**head, "data": values, GENERATED: True})


def _patch(found: list[Manifest], entry: dict[str, Any], path: Path) -> None:
    _known(entry, {"path", "patch"}, path)
    file = path.parent / entry["path"] if "path" in entry else path
    patches = _manifests(file) if "path" in entry else [yaml.safe_load(entry["patch"])]
    for patch in patches:
        _check_named(patch, file)
        target = _named(found, patch["kind"], patch["metadata"]["name"], file)
        target.update(merged(target, patch))


def _named(found: list[Manifest], kind: str, name: str, path: Path) -> Manifest:
    for each in found:
        if (each["kind"], each["metadata"]["name"]) == (kind, name):
            return each
    raise ValueError(f"{_shown(path)} changes the {kind} {name}, which is not there")


def merged(old: Any, new: Any, field: str = "") -> Any:
    """A value with a patch laid over it."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = {**old, **{key: merged(old.get(key), value, key) for key, value in new.items()}}
        return {key: value for key, value in found.items() if value is not None}
    if isinstance(old, list) and isinstance(new, list) and (by := MERGED_BY.get(field)):
        there = {each[by]: each for each in old}
        given = {each[by]: merged(there.get(each[by]), each) for each in new}
        return [*given.values(), *(each for each in old if each[by] not in given)]
    return copy.deepcopy(new)


def _transform(manifest: Manifest, rules: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    if namespace := rules.get("namespace"):
        metadata["namespace"] = namespace
    for entry in rules.get("labels", []):
        metadata["labels"] = {**metadata.get("labels", {}), **entry["pairs"]}
    for container in _containers(manifest):
        for image in rules.get("images", []):
            if container.get("image") == image["name"]:
                name = image.get("newName", image["name"])
                tag, digest = image.get("newTag"), image.get("digest")
                container["image"] = f"{name}@{digest}" if digest else f"{name}:{tag}"


def _containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
    yield from pod.get("containers", [])


def _rename(found: list[Manifest], manifest: Manifest, name: str) -> None:
    """Call a manifest otherwise, and let whoever takes settings from it know."""
    before = manifest["metadata"]["name"]
    manifest["metadata"]["name"] = name
    sources = [
        source["configMapRef"]
        for each in found
        for container in _containers(each)
        for source in container.get("envFrom", [])
        if manifest["kind"] == "ConfigMap" and "configMapRef" in source
    ]
    for source in sources:
        source["name"] = name if source["name"] == before else source["name"]


def _digest(data: dict[str, str]) -> str:
    """What kustomize appends to a generated name, so that a changed setting starts new pods."""
    content = {"data": data, "kind": "ConfigMap", "name": ""}
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    for sign in "&<>":  # as Go writes JSON
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(str.maketrans("013ae", "ghkmt"))


def _check_named(manifest: Any, path: Path) -> None:
    metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
    if not (isinstance(metadata, dict) and metadata.get("name") and manifest.get("kind")):
        raise ValueError(f"{_shown(path)} holds something that is no manifest with kind and name")


def _check_new(manifest: Manifest, found: list[Manifest], path: Path) -> None:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if any((each["kind"], each["metadata"]["name"]) == (kind, name) for each in found):
        raise ValueError(f"{_shown(path)} takes in the {kind} {name} twice")


def _known(entry: dict[str, Any], fields: Set[str], path: Path) -> None:
    if unknown := sorted(entry.keys() - fields):
        raise ValueError(f"{_shown(path)}: {', '.join(unknown)} is no field that is known here")


def _only(found: list[Any], path: Path) -> dict[str, Any]:
    if len(found) != 1 or not isinstance(found[0], dict):
        raise ValueError(f"{_shown(path)} holds {len(found)} documents; a kustomization is one")
    return found[0]


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])
