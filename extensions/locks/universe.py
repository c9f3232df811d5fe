"""The universe: one resolution per Python minor that holds the packages of every option of the catalogue.

A *component* is one job of one owner, such as `base.serve` or `tracking_mlflow.train`; the owner is `base` or an option.
Which components reach a locked row is known here, so a copy only prints the rows of its own components.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import jinja2
import yaml

ROOT = Path(__file__).parents[2]
MINORS = ("3.11", "3.12", "3.13")
JOBS = ("serve", "train", "monitor", "dev")
HEADER = """\
{#- Written by `python3 run.py lock` from catalogue.yml; do not edit. extensions/locks/slice.jinja prints it.
    direct: component -> exact pins for pyproject.toml
    rows:   (name, version, {marker: components that reach it, ""= everywhere}, hashes) -#}
"""

# The resolver is the one that the rendered repository runs: template/tools/lock.py.
_spec = spec_from_file_location("lock", ROOT / "template" / "tools" / "lock.py")
assert _spec and _spec.loader
resolver = module_from_spec(_spec)
_spec.loader.exec_module(resolver)


@dataclass(frozen=True)
class Package:
    """One locked package and, for each marker, the components that reach it under that marker."""

    version: str
    hashes: tuple[str, ...]
    reach: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Universe:
    """Every package of every option for one Python minor, and the pins that the options ask for themselves."""

    packages: dict[str, Package]
    direct: dict[str, list[str]]

    @property
    def pins(self) -> dict[str, str]:
        return {name: package.version for name, package in self.packages.items()}


def components(catalogue: Mapping[str, Any]) -> dict[str, list[str]]:
    """The requirements of each component: `tracking_mlflow.train` -> [mlflow-skinny, ...]."""
    owners = {"base": catalogue["base"]}
    for seam, options in catalogue.items():
        if seam != "base":
            owners |= {f"{seam}_{option}": record for option, record in options.items()}
    found = {}
    for owner, record in owners.items():
        for job, wanted in (record.get("packages") or {}).items():
            if job not in JOBS:
                raise resolver.LockError(f"catalogue.yml: {owner} has packages for {job!r}; the jobs are {', '.join(JOBS)}")
            found[f"{owner}.{job}"] = wanted
    return found


def read_catalogue() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "catalogue.yml").read_text(encoding="utf-8"))


def build(minor: str, wanted: Mapping[str, list[str]], pins: Mapping[str, str], *options: str) -> Universe:
    """Resolve all components together for one Python minor; `pins` are kept where they can be."""
    low, high = minor, f"3.{int(minor.split('.')[1]) + 1}"
    reached = resolver.resolve(f">={low},<{high}", wanted, pins, *options)
    packages: dict[str, Package] = {}
    for component, rows in reached.items():
        for row in rows:
            package = packages.setdefault(row.name, Package(row.version, row.hashes))
            package.reach.setdefault(row.marker, []).append(component)
    direct = {component: sorted(_pin(need, packages) for need in needs) for component, needs in wanted.items()}
    return Universe(dict(sorted(packages.items())), direct)


def path(minor: str) -> Path:
    return Path(__file__).parent / f"py{minor.replace('.', '')}.jinja"


def write(minor: str, universe: Universe) -> None:
    """Compile to Jinja: one line for each row, hashes as one text, so that reading it costs little at copy time."""
    lines = ["{% set direct = {"]
    lines += [f"{json.dumps(component)}: {json.dumps(pins)}," for component, pins in universe.direct.items()]
    lines += ["} %}", "{% set rows = ["]
    for name, package in universe.packages.items():
        reach = {marker: " ".join(found) for marker, found in sorted(package.reach.items())}
        row = ", ".join(json.dumps(part) for part in (name, package.version, reach, " ".join(package.hashes)))
        lines.append(f"({row}),")
    text = HEADER + "\n".join([*lines, "] %}"]) + "\n"
    if "://" in text:
        raise resolver.LockError(f"an address would be written to {path(minor).name}")
    path(minor).write_text(text, encoding="utf-8", newline="\n")


def read(minor: str) -> Universe:
    """The committed universe; empty where there is none yet."""
    if not path(minor).exists():
        return Universe({}, {})
    module: Any = jinja2.Environment().from_string(path(minor).read_text(encoding="utf-8")).module
    return Universe(
        {
            name: Package(version, tuple(hashes.split()), {marker: found.split() for marker, found in reach.items()})
            for name, version, reach, hashes in module.rows
        },
        module.direct,
    )


def _pin(requirement: str, packages: Mapping[str, Package]) -> str:
    """`moto[s3]<6 ; marker` -> `moto[s3]==5.2.5 ; marker`."""
    match = re.fullmatch(r"(?P<name>[\w.-]+)(?P<extras>\[[^]]*])?(?P<bound>[^;]*)(?:;\s*(?P<marker>.+))?", requirement)
    if not match or "==" in match["bound"]:
        raise resolver.LockError(f"catalogue.yml: {requirement!r} is not a name with at most a bound")
    name = resolver.normal(match["name"])
    marker = f" ; {match['marker']}" if match["marker"] else ""
    return f"{name}{match['extras'] or ''}=={packages[name].version}{marker}"
