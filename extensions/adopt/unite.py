"""Files that can hold both sides without a conflict, so that later updates apply to them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit

LISTS = (".gitignore", ".dockerignore", ".gitattributes")
PAGES = ("README.md",)
TABLES = ("pyproject.toml",)
PROJECT = ("project",)
LOCKED = "requires-python"  # the lock is made for one minor


def lines(path: str, theirs: str, ours: str) -> str:
    """Both lists, whole: what was ignored stays ignored. Of two attributes the last one counts."""
    sides = [theirs, ours] if path != ".gitattributes" else [ours, theirs]
    return "\n".join(side.rstrip("\n") + "\n" for side in sides)


def page(theirs: str, ours: str) -> str:
    """Their text on top; below, the template's as it is, so that updates of it apply."""
    return f"{theirs.rstrip()}\n\n---\n\n{ours}"


def table(base: str, theirs: str, ours: str) -> tuple[str, str]:
    """Our TOML with what they added or changed since the base, and what a person must look at.

    Under [project] their value counts, elsewhere ours: the template is checked by its own rules.
    Raises ValueError for a file that is no TOML.
    """
    document = tomlkit.parse(ours)
    old = tomllib.loads(base)
    notes = list(take(document, tomlkit.parse(theirs), old, ()))
    text = tomlkit.dumps(document)
    tomllib.loads(text)
    return text, "; ".join(notes)


def take(into: Any, theirs: Any, old: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    """Carry their keys over, table by table; yield what was decided against them, or added."""
    for key, value in theirs.items():
        plain = value.unwrap() if hasattr(value, "unwrap") else value
        if key in old and old[key] == plain:
            continue
        if key not in into:
            into[key] = value
            if above == PROJECT and key in ("dependencies", "optional-dependencies"):
                yield f"run.py does not install {key}: move them to [dependency-groups]"
        elif isinstance(into[key], Mapping) and isinstance(value, Mapping):
            yield from take(into[key], value, old.get(key, {}), (*above, key))
        elif above == ("dependency-groups",):
            yield from group(into[key], value, key)
        elif above == PROJECT and key != LOCKED:
            into[key] = value
        elif into[key] != value:
            yield f"[{'.'.join(above)}] {key} was {value!s}, now {into[key]!s}"


def group(into: Any, theirs: Any, name: str) -> Iterator[str]:
    """Their packages beside ours; ours are exact, so they count where both name one."""
    known = {package(entry) for entry in into}
    added = [entry for entry in theirs if package(entry) not in known]
    for entry in added:
        into.append(entry)
    if added:
        yield f"packages of yours are in the group {name}: python3 run.py lock"


def package(requirement: Any) -> str:
    """The name that a requirement begins with, spelled as the index does."""
    found = re.match(r"[\w.-]+", str(requirement))
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""
