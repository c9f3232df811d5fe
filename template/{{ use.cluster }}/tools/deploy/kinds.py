"""Manifests held against the schemas of their kinds: those of Kubernetes, and of operators."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from . import manifests

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@cache
def definitions() -> dict[str, Any]:
    """Every definition of the folder `schemas`, by its name; a kind is one of them."""
    found: dict[str, Any] = {}
    for path in sorted(manifests.SCHEMAS.glob("*.json")):
        found |= json.loads(path.read_text("utf-8")).get("$defs", {})
    return found


def faults(manifest: dict[str, Any]) -> Iterator[str]:
    """What the schema of its kind says against a manifest."""
    kind, version = manifest.get("kind"), manifest.get("apiVersion")
    properties = definitions().get(str(kind), {}).get("properties", {})
    if properties.get("kind") != {"const": kind}:
        yield f"{kind}: no schema here knows this kind"
        return
    if properties["apiVersion"] != {"const": version}:
        yield f"{kind}: it is of {properties['apiVersion']['const']}, not of {version}"
        return
    metadata = manifest.get("metadata")
    name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
    if not NAME.fullmatch(name) or len(name) > 63:
        yield f"{kind}: {name!r} is no name: a to z, 0 to 9 and hyphens, at most 63"
    schema = {"$ref": f"#/$defs/{kind}", "$defs": definitions()}
    yield from (f"{kind} {name}: {fault}" for fault in manifests.faults(manifest, schema))
