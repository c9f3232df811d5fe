"""The universe: one resolution per Python minor, holding the packages of every option.

A *component* is one job of one owner, such as `base.serve` or `tracking_mlflow.train`; the owner is
`base` or an option. It is known here which components reach a row, so a copy only prints rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from template.tools.lock import LockError, normal, resolve

ROOT = Path(__file__).parents[2]
MINORS = ("3.11", "3.12", "3.13")
JOBS = ("serve", "train", "monitor", "dev")
HEADER = """\
{#- Written by `python3 run.py lock` from catalogue.yml; printed by extensions/locks/slice.jinja.
    direct: component -> exact requirements for pyproject.toml
    builds: name -> the build of that package for the CPU, which the public index does not have
    rows:   (name, version, {marker, empty for everywhere: components that reach it}, hashes) -#}
"""


@dataclass(frozen=True)
class Package:
    """A locked package and, for each marker, the components that reach it under that marker."""

    version: str
    hashes: tuple[str, ...]
    reach: dict[str, list[str]] = field(default_factory=dict)

    @property
    def owners(self) -> list[str]:
        """Who is touched when this package moves."""
        return sorted(
            {component.split(".")[0] for found in self.reach.values() for component in found}
        )


@dataclass(frozen=True)
class Universe:
    """Every package for one Python minor, and the exact requirements of each component."""

    packages: dict[str, Package]
    direct: dict[str, list[str]]
    builds: dict[str, str] = field(default_factory=dict)  # name -> the build for the CPU, hashed

    @property
    def pins(self) -> list[tuple[str, str]]:
        """What the next resolution prefers."""
        return [(name, package.version) for name, package in self.packages.items()]

    @property
    def requirements(self) -> list[str]:
        """Every package with its marker, for whoever wants to install all of them but CUDA."""
        found = []
        for name, package in self.packages.items():
            if all(c.endswith(".cuda") for each in package.reach.values() for c in each):
                continue
            marker = "" if "" in package.reach else " ; " + " or ".join(package.reach)
            found.append(f"{name}=={package.version}{marker}")
        return found


def components(catalogue: Mapping[str, Any]) -> dict[str, list[str]]:
    """The requirements of each component: `tracking_mlflow.train` -> [mlflow-skinny, ...]."""
    owners = {"base": catalogue["base"]}
    for seam, options in catalogue.items():
        if seam != "base":
            owners |= {f"{seam}_{option}": record for option, record in options.items()}
    found = {}
    for owner, record in owners.items():
        for job, wanted in record.get("packages", {}).items():
            if job not in JOBS:
                raise LockError(f"catalogue.yml: {owner}: {job!r} is not a job ({', '.join(JOBS)})")
            found[f"{owner}.{job}"] = wanted
    return found


def read_catalogue() -> dict[str, Any]:
    """catalogue.yml: `base`, then seam -> option -> record."""
    catalogue: dict[str, Any] = yaml.safe_load((ROOT / "catalogue.yml").read_text(encoding="utf-8"))
    return catalogue


def build(minor: str, wanted: Mapping[str, list[str]], before: Universe, *options: str) -> Universe:
    """Resolve all components together; what is locked in `before` stays where it can."""
    following = f"3.{int(minor.split('.')[1]) + 1}"
    reached = resolve(f">={minor},<{following}", wanted, before.pins, *options)
    packages: dict[str, Package] = {}
    for component, rows in reached.items():
        for row in rows:
            package = packages.setdefault(row.name, Package(row.version, row.hashes))
            if package.version != row.version:
                raise LockError(f"{row.name} has two versions: {package.version}, {row.version}")
            here = package.reach.setdefault(row.marker, [])
            owner = component.split(".")[0]
            by = f"{owner}.cuda" if row.cuda else component
            here += [by] if by not in here else []
    direct = {name: sorted(pin(need, packages) for need in wanted[name]) for name in wanted}
    return Universe(dict(sorted(packages.items())), direct)


def accept(universe: Universe, catalogue: Mapping[str, Any]) -> Universe:
    """Add the builds for the CPU that records accept: PyTorch, which the index has for CUDA."""
    builds = {}
    for seam, options in catalogue.items():
        for record in options.values() if seam != "base" else ():
            for release, files in record.get("builds", {}).items():
                name, _, version = release.partition("==")
                if (locked := universe.packages[name].version) + "+cpu" != version:
                    raise LockError(f"catalogue.yml: builds: {release}, but {locked} is locked")
                builds[name] = " --hash=sha256:".join([release, *files.values()])
    return replace(universe, builds=builds)


def pin(requirement: str, packages: Mapping[str, Package]) -> str:
    """`moto[s3]<6; marker` -> `moto[s3]==5.2.5; marker`."""
    try:
        need = Requirement(requirement)
    except InvalidRequirement as problem:
        raise LockError(f"catalogue.yml: {requirement!r}: {problem}") from None
    if need.url or any(clause.operator.startswith("==") for clause in need.specifier):
        raise LockError(f"catalogue.yml: {requirement!r} is more than a name and a bound")
    need.name = normal(need.name)
    need.specifier = SpecifierSet(f"=={packages[need.name].version}")
    return str(need).replace('"', "'")


def path(minor: str) -> Path:
    """Where the universe of a Python minor is kept."""
    return Path(__file__).parent / f"py{minor.replace('.', '')}.jinja"


def write(minor: str, universe: Universe) -> None:
    """Compile to Jinja: a row is a line and its hashes one text, which costs a copy little."""
    lines = ["{% set direct = {"]
    lines += [f"{json.dumps(name)}: {json.dumps(pins)}," for name, pins in universe.direct.items()]
    lines += ["} %}", f"{{% set builds = {json.dumps(universe.builds)} %}}", "{% set rows = ["]
    for name, package in universe.packages.items():
        reach = {marker: " ".join(found) for marker, found in sorted(package.reach.items())}
        row = (name, package.version, reach, " ".join(package.hashes))
        lines.append(f"({', '.join(map(json.dumps, row))}),")
    text = HEADER + "\n".join([*lines, "] %}"]) + "\n"
    if "://" in text:
        raise LockError(f"an address would be written to {path(minor).name}")
    path(minor).write_text(text, encoding="utf-8", newline="\n")


def read(minor: str) -> Universe:
    """The committed universe; empty where there is none yet."""
    if not path(minor).exists():
        return Universe({}, {})
    text = path(minor).read_text(encoding="utf-8")
    module: Any = jinja2.Environment().from_string(text).module
    packages = {
        name: Package(version, tuple(hashes.split()), {m: c.split() for m, c in reach.items()})
        for name, version, reach, hashes in module.rows
    }
    return Universe(packages, module.direct, module.builds)
