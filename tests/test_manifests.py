"""What is handed to a cluster, held against kubernetes-validate; and `deploy --check` beside it."""

from __future__ import annotations

import copy
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from .conftest import Render

Manifest = dict[str, Any]

OLDEST, OURS = "1.30", "1.35"  # what the README asks for, and what the schemas of a render are of
OPERATORS = ("monitoring.coreos.com/", "serving.kserve.io/", "mlops.seldon.io/")
SERVERS = {
    "kubernetes": {"serving": "kubernetes", "artifact_store": "local"},
    "kubernetes and S3": {"serving": "kubernetes", "artifact_store": "s3"},
    "kubernetes and GCS": {"serving": "kubernetes", "artifact_store": "gcs"},
    "kserve": {"serving": "kserve"},
    "triton": {"serving": "triton"},
    "seldon": {"serving": "seldon"},
    **{
        model: {"problem": "rag", "serving": "kubernetes", "language_model": model}
        for model in ("none", "vllm", "sglang", "tgi")
    },
}


@pytest.fixture(autouse=True)
def schemas_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, str], Any]]:
    """tools(folder, "kinds") -> that module of the folder's tools/deploy."""

    def load(folder: Path, name: str) -> Any:
        for place in (folder / "src", folder):
            monkeypatch.syspath_prepend(place)
        return importlib.import_module(f"tools.deploy.{name}")

    yield load
    for name in [each for each in sys.modules if each.partition(".")[0] in ("tools", "engine")]:
        del sys.modules[name]


def manifests(folder: Path, tools: Callable[[Path, str], Any]) -> list[Manifest]:
    """Everything that a render hands to a cluster, and what its kustomizations make of it."""
    overlays = sorted((folder / "deploy").rglob("overlays/**/kustomization.yaml"))
    found = [each for path in overlays for each in tools(folder, "kustomize").build(path.parent)]
    for path in sorted((folder / "deploy").rglob("*.y*ml")):
        if not overlays or "kubernetes" not in path.parts:
            found += [each for each in yaml.safe_load_all(path.read_text("utf-8")) if each]
    return [each for each in found if {"apiVersion", "kind"} <= each.keys()]


def pods(manifest: Manifest) -> Manifest:
    """The part of an operator's manifest that is a pod, as a pod."""
    spec = manifest["spec"].get("podSpec") or manifest["spec"].get("predictor") or {}
    own = {name: spec[name] for name in ("containers", "volumes") if name in spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": own}


@pytest.mark.parametrize("answers", SERVERS.values(), ids=SERVERS)
def test_every_manifest_is_valid_to_kubernetes(
    render: Render, tools: Callable[[Path, str], Any], answers: dict[str, str]
) -> None:
    found = manifests(render(runs_on="kubernetes", **answers), tools)

    checked = []
    for each in found:
        if each["apiVersion"].startswith(OPERATORS):
            each = pods(each)
            if not each["spec"]:
                continue
        for version in (OLDEST, OURS, kubernetes_validate.latest_version()):
            kubernetes_validate.validate(each, version, strict=True)
        checked.append(each["kind"])
    assert {"Deployment", "Pod"} & {*checked}


def broken(value: Any) -> Iterator[Any]:
    """A value with one thing in it misspelt, missing, or of another type."""
    for key in value if isinstance(value, dict) else range(len(value)):
        inner = value[key]
        others = [[1], "no such thing", {"a": {"b": 1}}, 7]
        instead = [other for other in others if type(other) is not type(inner)]
        for other in [*instead, *(broken(inner) if isinstance(inner, dict | list) else ())]:
            changed = copy.copy(value)
            changed[key] = other
            yield changed
        if isinstance(value, dict):
            yield {name: each for name, each in value.items() if name != key}
            yield {f"{name}s" if name == key else name: each for name, each in value.items()}


def is_valid(manifest: Manifest) -> bool:
    try:
        kubernetes_validate.validate(manifest, OURS, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


@pytest.mark.parametrize("serving", ["kubernetes", "triton"])
def test_what_kubernetes_refuses_is_refused_by_the_check(
    render: Render, tools: Callable[[Path, str], Any], serving: str
) -> None:
    """The schemas of a render are a part of the published ones; nothing was lost on the way."""
    folder = render(runs_on="kubernetes", **SERVERS[serving])
    kinds = tools(folder, "kinds")
    found = {
        each["kind"]: each
        for each in manifests(folder, tools)
        if not each["apiVersion"].startswith(OPERATORS)
    }

    refused = 0
    for manifest in found.values():
        assert [*kinds.faults(manifest)] == []
        for each in broken(manifest):
            named = all(each.get(key) == manifest[key] for key in ("apiVersion", "kind"))
            if named and not is_valid(each):
                refused += 1
                assert [*kinds.faults(each)], each

    assert refused > 100 * len(found)
