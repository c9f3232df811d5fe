"""Terraform files held against a provider's schema, without Terraform and without the provider.

The schema has the form of `terraform providers schema -json`, cut down to the types that are used.
Known: blocks, arguments, their literal values, and what an expression refers to. Not known: what
functions give, and what only the platform can say (whether a name is taken, a role exists).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions
from lark.exceptions import UnexpectedInput

from . import read_text

Block = Mapping[str, Any]

AS = SerializationOptions(with_comments=False)
EVERYWHERE = {"count", "depends_on", "for_each", "lifecycle", "provider"}
OTHERS = {
    "locals": None,  # any name
    "provider": None,
    "terraform": {"backend", "required_providers", "required_version"},
    "variable": {"default", "description", "nullable", "sensitive", "type", "validation"},
    "output": {"depends_on", "description", "sensitive", "value"},
}
REFERENCE = re.compile(r"(?<![\w.])([a-z]\w*)((?:\[[^\]]*\])?(?:\.[\w-]+(?:\[[^\]]*\])?)+)")
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


class Schema:
    """The types of one provider."""

    def __init__(self, path: Path) -> None:
        read = json.loads(path.read_text("utf-8"))
        self.version: str = read["version"]
        [(self.source, found)] = read["provider_schemas"].items()
        self.name = self.source.partition("/")[2]
        self.types = {kind: found[f"{kind}_schemas"] for kind in ("data_source", "resource")}

    @property
    def constraint(self) -> str:
        """The versions of the provider for which the schema speaks."""
        return "~> " + ".".join(self.version.split(".")[:2])


def faults(folder: Path, schema: Schema) -> Iterator[str]:
    """What is wrong in the *.tf files of a folder: the file, the place, and the rule."""
    try:
        parsed = _parsed(folder)
    except ValueError as error:
        yield str(error)
        return
    names = _names(parsed.values())
    if schema.constraint not in names["versions"]:
        yield f'no required_providers has version = "{schema.constraint}" for {schema.source}'
    for file, content in parsed.items():
        for place, said in _top(content, schema):
            yield f"{file}: {place}: {said}"
        for place, text in _texts(content):
            for said in _references(text, names, schema):
                yield f"{file}: {place}: {said}"


def made(folder: Path, values: dict[str, str]) -> dict[str, set[str]]:
    """The texts that resources are given, by `type.argument`: others may have to name the same.

    Literal locals are filled in, and `values`, such as {"local.project": "churn-prod"}. Raises
    ValueError where a file cannot be read.
    """
    found: dict[str, set[str]] = {}
    contents = _parsed(folder).values()
    known: dict[str, str] = {}
    for each in (block for content in contents for block in content.get("locals", [])):
        known |= {f"local.{name}": _bare(value) for name, value in each.items() if _is_text(value)}
    known |= values
    for content in contents:
        for label, _, block in _labelled(content.get("resource", [])):
            for name, value in block.items():
                if _is_text(value):
                    text = re.sub(r"\$\{([\w.]+)\}", lambda m: known.get(m[1], m[0]), _bare(value))
                    found.setdefault(f"{label}.{name}", set()).add(text)
    return found


def _parsed(folder: Path) -> dict[str, Block]:
    found: dict[str, Block] = {}
    for path in sorted(folder.glob("*.tf")):
        try:
            found[path.name] = hcl2.loads(read_text(path), serialization_options=AS)
        except UnexpectedInput as error:
            said = f"line {error.line}, column {error.column} cannot be read"
            raise ValueError(f"{path.name}: {said}") from None
    if not found:
        raise ValueError(f"{folder.name}: there is no *.tf file")
    return found


def _top(content: Block, schema: Schema) -> Iterator[tuple[str, str]]:
    for kind, blocks in content.items():
        if kind in ("data", "resource"):
            types = schema.types["data_source" if kind == "data" else "resource"]
            for label, name, block in _labelled(blocks):
                if label in types:
                    yield from _block(block, types[label]["block"], f"{label}.{name}", top=True)
                else:
                    yield f"{label}.{name}", f"the schema has no {kind} {label}"
        elif kind not in OTHERS:
            yield kind, "no block of this name is known here"
        elif (known := OTHERS[kind]) is not None:
            for block in blocks:
                named = {kind: block} if kind == "terraform" else block
                for name, inner in named.items():
                    for unknown in sorted(set(inner) - known - {"__is_block__"}):
                        yield f"{kind} {_bare(name)}", f"there is no argument {unknown}"


def _block(
    block: Block, schema: Block, place: str, *, top: bool = False
) -> Iterator[tuple[str, str]]:
    attributes, nested = schema["attributes"], schema["block_types"]
    given = {key: value for key, value in block.items() if key != "__is_block__"}
    for each in given.pop("dynamic", []):
        for label, body in each.items():
            given.setdefault(_bare(label), []).extend(body.get("content", [{}]))
    for name, value in given.items():
        if name in nested and _is_blocks(value):
            most = nested[name].get("max_items")
            if most and len(value) > most:
                yield f"{place}.{name}", f"there may be {most}"
            for inner in value:
                yield from _block(inner, nested[name]["block"], f"{place}.{name}")
        elif name in nested:
            yield f"{place}.{name}", "it is a block: write it without ="
        elif name in attributes and _is_blocks(value):
            yield f"{place}.{name}", "it is an argument: write it with ="
        elif name in attributes and set(attributes[name]) == {"computed", "type"}:
            yield f"{place}.{name}", "the provider says it, nobody can set it"
        elif name in attributes:
            if not _fits(value, attributes[name]["type"]):
                yield f"{place}.{name}", f"{value} is no {_shown(attributes[name]['type'])}"
        elif not (top and name in EVERYWHERE):
            yield place, f"there is no argument {name}"
    needed = [name for name, each in attributes.items() if each.get("required")]
    needed += [name for name, each in nested.items() if each.get("min_items")]
    for name in sorted(set(needed) - set(given)):
        yield place, f"{name} is missing"


def _fits(value: Any, kind: Any) -> bool:
    """Whether a literal can become a type; an expression can become any."""
    if isinstance(value, str) and ("${" in value or not value.startswith('"')):
        return True
    if isinstance(kind, list):
        inner = value.values() if isinstance(value, Mapping) else value
        wanted = Mapping if kind[0] == "map" else list
        return isinstance(value, wanted) and all(_fits(each, kind[1]) for each in inner)
    if isinstance(value, list | Mapping):
        return bool(kind == "dynamic")
    text = _bare(str(value))
    if kind == "number":
        return bool(re.fullmatch(r"-?\d+(\.\d+)?", text))
    return text.lower() in ("true", "false") if kind == "bool" else True


def _references(text: str, names: Mapping[str, set[str]], schema: Schema) -> Iterator[str]:
    for expression in _expressions(text):
        for head, rest in REFERENCE.findall(expression):
            bare = re.sub(r"\[[^\]]*\]", "", rest)  # an index may have points of its own
            path = [head, *re.findall(r"\.([\w-]+)", bare)]
            kind = "resource"
            if path[0] == "data":
                path, kind = path[1:], "data_source"
            if path[0] in ("var", "local"):
                if path[1] not in names[path[0]]:
                    yield f"{path[0]}.{path[1]} is nowhere defined"
            elif kind == "data_source" or path[0].startswith(f"{schema.name}_"):
                whole = ".".join(path[:2])
                if whole not in names[kind]:
                    yield f"{whole} is nowhere defined"
                elif len(path) > 2 and path[0] in schema.types[kind]:
                    block = schema.types[kind][path[0]]["block"]
                    if path[2] not in {"id", *block["attributes"], *block["block_types"]}:
                        yield f"{path[0]} has no {path[2]}"


def _expressions(text: str) -> Iterator[str]:
    """What is computed in a value: without literals, but with what they insert."""
    if text.startswith("${"):
        text = text[2:-1]
        yield LITERAL.sub('""', text)
    for start in re.finditer(r"\$\{", text):
        depth = 1
        for end in range(start.end(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if not depth:
                yield LITERAL.sub('""', text[start.end() : end])
                break


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every value and computed key, with the names above it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if "${" in key:
                yield place, key
            yield from _texts(inner, f"{place}.{_bare(key)}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, place)
    elif isinstance(value, str):
        yield place, value


def _names(contents: Any) -> dict[str, set[str]]:
    """What can be referred to."""
    found: dict[str, set[str]] = {
        kind: set() for kind in ("var", "local", "resource", "data_source", "versions")
    }
    for content in contents:
        for kind, key in (("resource", "resource"), ("data", "data_source")):
            found[key] |= {f"{a}.{b}" for a, b, _ in _labelled(content.get(kind, []))}
        found["var"] |= {_bare(name) for each in content.get("variable", []) for name in each}
        found["local"] |= {name for each in content.get("locals", []) for name in each}
        for each in content.get("terraform", []):
            for providers in each.get("required_providers", []):
                said = [p for p in providers.values() if isinstance(p, Mapping)]
                found["versions"] |= {_bare(str(p.get("version", ""))) for p in said}
    return found


def _labelled(blocks: list[Block]) -> Iterator[tuple[str, str, Block]]:
    for each in blocks:
        for label, inner in each.items():
            for name, block in inner.items():
                yield _bare(label), _bare(name), block


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, Mapping) and "__is_block__" in each for each in value
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.startswith('"')


def _bare(text: str) -> str:
    return text.strip('"')


def _shown(kind: Any) -> str:
    return f"{kind[0]} of {_shown(kind[1])}" if isinstance(kind, list) else str(kind)
