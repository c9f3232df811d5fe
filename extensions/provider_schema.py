"""The part of a Terraform provider's schema that some types need.

It comes from the provider's prebuilt package on npm:

    npm pack @cdktf/provider-google@16.12.1
    tar xzf cdktf-provider-google-*.tgz package/.jsii package/package.json
    python3 -m extensions.provider_schema package google_storage_bucket ... > google.json

The package was generated from `terraform providers schema -json`, and what is written has that form
again: whoever has Terraform and the provider gets the same. Descriptions are left out.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

NOTE = (
    "Argument names and types of {name} {version}, taken from {package} {release} ({licence}); "
    "no descriptions."
)


class Provider:
    """A prebuilt package, opened."""

    def __init__(self, folder: Path) -> None:
        self.about = json.loads((folder / "package.json").read_text("utf-8"))
        self.types = json.loads((folder / ".jsii").read_text("utf-8"))["types"]
        said = re.compile(r"docs/(resources|data-sources)/\w+ (\w+)\}")
        self.classes = {}
        for name, each in self.types.items():
            found = each["kind"] == "class" and said.search(each.get("docs", {}).get("summary", ""))
            if found:
                self.classes[found[1], found[2]] = name

    def schema(self, kind: str, name: str) -> dict[str, Any]:
        """The schema of a resource or data source."""
        place = self.classes[kind, name]
        block = self._block(f"{place}Config")
        for computed in self.types[place]["properties"]:
            said = _snake(computed["name"])
            known = {*block["attributes"], *block["block_types"], "timeouts"}
            if not computed.get("static") and not said.endswith("_input") and said not in known:
                block["attributes"][said] = {"type": _type(computed["type"]), "computed": True}
        return {"block": block}

    def _block(self, name: str) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        blocks: dict[str, Any] = {}
        for each in self.types[name].get("properties", []):
            docs = json.dumps(each.get("docs", {}))
            said = re.search(r"/docs/[^ ]+#(\w+) ", docs)
            if not said:  # of the generator, not of the provider: count, lifecycle and so on
                continue
            needed = {"optional": True} if each.get("optional") else {"required": True}
            nested = _nested(each["type"])
            if nested:
                least = {"min_items": 1} if "required" in needed else {}
                most = {} if _is_many(each["type"]) else {"max_items": 1}
                inner = self._block(nested)
                blocks[said[1]] = {"nesting_mode": "list", **least, **most, "block": inner}
            else:
                attributes[said[1]] = {"type": _type(each["type"]), **needed}
        return {"attributes": attributes, "block_types": blocks}


def _nested(of: dict[str, Any]) -> str:
    """The type of a nested block, if it is one."""
    if "union" in of:
        return next(filter(None, map(_nested, of["union"]["types"])), "")
    if "collection" in of and of["collection"]["kind"] == "array":
        return _nested(of["collection"]["elementtype"])
    return of["fqn"] if of.get("fqn", "").startswith("@cdktf/") else ""


def _is_many(of: dict[str, Any]) -> bool:
    return "collection" in of or any(map(_is_many, of.get("union", {}).get("types", [])))


def _type(of: dict[str, Any]) -> Any:
    if "primitive" in of:
        return {"boolean": "bool", "any": "dynamic"}.get(of["primitive"], of["primitive"])
    if "union" in of:
        return next(
            _type(each) for each in of["union"]["types"] if each != {"fqn": "cdktf.IResolvable"}
        )
    if "collection" in of:
        kind = {"array": "list", "map": "map"}[of["collection"]["kind"]]
        return [kind, _type(of["collection"]["elementtype"])]
    return "dynamic"


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def main(folder: str, *names: str) -> None:
    """Write the schema of some types; those of data sources are given as data.NAME."""
    provider = Provider(Path(folder))
    found: dict[str, dict[str, Any]] = {"data_source_schemas": {}, "resource_schemas": {}}
    for name in sorted(names):
        is_data, plain = name.startswith("data."), name.removeprefix("data.")
        kind = "data_source" if is_data else "resource"
        found[f"{kind}_schemas"][plain] = provider.schema(
            "data-sources" if is_data else "resources", plain
        )
    is_of = provider.about["cdktf"]["provider"]
    source = "/".join(is_of["name"].split("/")[-2:])
    said = NOTE.format(
        name=source,
        version=is_of["version"],
        package=provider.about["name"],
        release=provider.about["version"],
        licence=provider.about["license"],
    )
    written = {"$comment": said, "version": is_of["version"], "provider_schemas": {source: found}}
    print(json.dumps(written, sort_keys=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
