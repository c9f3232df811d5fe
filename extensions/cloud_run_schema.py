"""The JSON schema of a Cloud Run service, from the discovery document of its Admin API v1.

    pip download --no-deps google-api-python-client
    unzip -j google_api_python_client-*.whl '*/documents/run.v1.json'
    python3 -m extensions.cloud_run_schema run.v1.json > cloud_run.json

It is the platform's own word on the file that `gcloud run services replace` takes. What it calls
unsupported or says itself is left out, and so are the descriptions; from those come what is
required and which annotations are taken where.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

NOTE = (
    "The Service of the Cloud Run Admin API v1, revision {revision} of its discovery document as "
    "published in google-api-python-client (Apache-2.0); no descriptions, nothing that Cloud Run "
    "does not take."
)
NOT_TAKEN = re.compile(
    r"Not (supported|used) (by|in) Cloud Run|^Output only|^\[Deprecated\]"
    r"|should not be used directly"
)
OWN = {"annotations", "labels", "name", "namespace"}  # of metadata; the rest is the platform's
REQUIRED = {
    "Service": ["apiVersion", "kind", "metadata", "spec"],
    "ServiceSpec": ["template"],
    "EnvVarSource": ["secretKeyRef"],
}


def schema(name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema with everything it refers to inside."""
    if name == "Service":
        schemas = {
            **schemas,
            name: {**schemas[name], "properties": _without(schemas[name]["properties"], "status")},
        }
    properties, required = {}, list(REQUIRED.get(name, []))
    for key, each in schemas[name].get("properties", {}).items():
        said = each.get("description", "")
        if NOT_TAKEN.search(said) or (name == "ObjectMeta" and key not in OWN):
            continue
        properties[key] = _value(each, schemas)
        if said.startswith("Required.") and key != "namespace":  # gcloud fills it in
            required.append(key)
    return {"type": "object", "properties": properties, "required": sorted(set(required))}


def _value(each: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in each:
        return schema(each["$ref"], schemas)
    found: dict[str, Any] = {"type": each["type"]}
    if "enum" in each:
        found["enum"] = each["enum"]
    if "items" in each:
        found["items"] = _value(each["items"], schemas)
    if "additionalProperties" in each:
        found["additionalProperties"] = _value(each["additionalProperties"], schemas)
    return found


def accepted(described: str) -> dict[str, list[str]]:
    """Which annotations a resource takes: the list in the description of metadata."""
    found: dict[str, list[str]] = {"Revision": [], "Service": []}
    for name, where in re.findall(r"\* `([\w./-]+)`: ([\w, ]+)", described):
        for resource in found:
            if resource in where or where.startswith("All"):
                found[resource].append(name)
    return found


def _without(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}


def main(path: str) -> None:
    """Write the schema and the annotations."""
    read = json.loads(Path(path).read_text("utf-8"))
    schemas = read["schemas"]
    listed = accepted(schemas["ObjectMeta"]["properties"]["annotations"]["description"])
    note = NOTE.format(revision=read["revision"])
    print(
        json.dumps(
            {"$comment": note, "annotations": listed, "service": schema("Service", schemas)},
            sort_keys=True,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
