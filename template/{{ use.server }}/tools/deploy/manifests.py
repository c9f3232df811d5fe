"""Manifests held against published schemas, offline.

A cluster prunes fields that its schema does not know, so a misspelt one is lost in silence: here
every object is closed, unless its schema says that it takes anything.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from . import read_text

SCHEMAS = Path(__file__).parent / "schemas"
OPEN = "x-kubernetes-preserve-unknown-fields"


def documents(path: Path) -> Iterator[Any]:
    """The documents of a YAML file.

    Raises ValueError naming the file, the line and what is wrong there, and ProjectError where it
    cannot be read.
    """
    try:
        found = [each for each in yaml.load_all(read_text(path), _Loader) if each]
    except yaml.YAMLError as error:
        reason = re.sub(r"\s+", " ", str(error))
        raise ValueError(f"{path.name} is no YAML: {reason}") from None
    for each in found:
        if not isinstance(each, dict):
            raise ValueError(f"{path.name} holds {str(each)[:40]!r} where fields should stand")
        yield each


def faults(document: Any, schema: Mapping[str, Any]) -> list[str]:
    """What a schema says against a document; the place of each fault and the rule."""
    found = Draft202012Validator(strict(schema)).iter_errors(document)
    return [f"{_place(error.absolute_path)}: {_short(error.message)}" for error in found]


def schema(name: str) -> dict[str, Any]:
    """A schema of the folder `schemas`, by its file name without the ending."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return found


def strict(schema: Any) -> Any:
    """A schema in which every object is closed that does not say it is open."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    found = {key: strict(each) for key, each in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema and not schema.get(OPEN):
        found["additionalProperties"] = False
    return found


class _Loader(yaml.SafeLoader):
    """YAML in which no key of a mapping is given twice: of two, PyYAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; what `<<` brings may be given again."""
        given = [str(key.value) for key, _ in node.value]
        if twice := {key for key in given if given.count(key) > 1}:
            place = node.start_mark
            raise yaml.YAMLError(f"line {place.line + 1} gives {', '.join(sorted(twice))} twice")
        return super().construct_mapping(node, deep)


def _short(message: str) -> str:
    """The end of a long one: it begins with the value, and ends with the rule."""
    return message if len(message) <= 200 else f"... {message[-150:]}"


def _place(path: Any) -> str:
    return ".".join(map(str, path)) or "the document"
