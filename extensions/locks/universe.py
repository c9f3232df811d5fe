"""The universe: one resolution per Python minor, holding the packages of every option.

A *component* is one job of one owner, such as `base.serve` or `tracking_mlflow.train`; the owner is
`base`, a seam, an option, or one of these together with an option of another seam, such as
`feature_store_tables+mode_batch`. It is known which components reach a row, so a copy only prints
rows.
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jinja2
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from extensions.catalogue import owners
from template.tools.lock import Apart, LockError, normal, resolve

ROOT = Path(__file__).parents[2]
MINORS = ("3.11", "3.12", "3.13")
JOBS = ("serve", "train", "monitor", "notebook", "dev")
BESIDE = ".beside."  # for uv, which takes no + in the name of a group
HEADER = """\
{#- Written by `python3 run.py lock` from catalogue/; printed by extensions/locks/slice.jinja.
    direct: component -> exact requirements for pyproject.toml
    builds: name -> the build of that package for the CPU, which the public index does not have
    rows:   name==version|hashes, and pairs of marker (empty: everywhere)|components reaching it -#}
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


def components(catalogue: Mapping[str, Any]) -> dict[str, list[str]]:
    """The requirements of each component: `tracking_mlflow.train` -> [mlflow-skinny, ...]."""
    found = {}
    for owner, record in owners(catalogue):
        for job, wanted in record.get("packages", {}).items():
            if job not in JOBS:
                raise LockError(f"catalogue: {owner}: {job!r} is not a job ({', '.join(JOBS)})")
            found[f"{owner}.{job}"] = wanted
    return found


def set_apart(catalogue: Mapping[str, Any]) -> Apart:
    """What the options that have a say in the lock set apart, by job."""
    hooks = [
        runpy.run_path(str(ROOT / "template" / f"{{{{ use.{owner} }}}}" / record["install"]))
        for owner, record in owners(catalogue)
        if "install" in record
    ]
    return lambda text: {job: names for hook in hooks for job, names in hook["apart"](text).items()}


def build(
    minor: str,
    wanted: Mapping[str, list[str]],
    before: Universe,
    *options: str,
    apart: Apart | None = None,
) -> Universe:
    """Resolve all components together; what is locked in `before` stays where it can."""
    following = f"3.{int(minor.split('.')[1]) + 1}"
    groups = {name.replace("+", BESIDE): needs for name, needs in wanted.items()}
    reached = resolve(f">={minor},<{following}", groups, before.pins, *options, apart=apart)
    packages: dict[str, Package] = {}
    for group, rows in reached.items():
        component = group.replace(BESIDE, "+")
        for row in rows:
            package = packages.setdefault(row.name, Package(row.version, row.hashes))
            if package.version != row.version:
                raise LockError(f"{row.name} has two versions: {package.version}, {row.version}")
            here = package.reach.setdefault(row.marker, [])
            owner = component.split(".")[0]
            by = f"{owner}.{row.apart}" if row.apart else component
            here += [by] if by not in here else []
    direct = {name: sorted(pin(need, packages) for need in wanted[name]) for name in wanted}
    return Universe(dict(sorted(packages.items())), direct)


def accept(universe: Universe, catalogue: Mapping[str, Any]) -> Universe:
    """Add the builds for the CPU that records accept: PyTorch, which the index has for CUDA."""
    builds = {}
    for _, record in owners(catalogue):
        for release, files in record.get("builds", {}).items():
            name, _, version = release.partition("==")
            if (locked := universe.packages[name].version) + "+cpu" != version:
                raise LockError(f"catalogue: builds: {release}, but {locked} is locked")
            builds[name] = " --hash=sha256:".join([release, *files.values()])
    return replace(universe, builds=builds)


def pin(requirement: str, packages: Mapping[str, Package]) -> str:
    """`moto[s3]<6; marker` -> `moto[s3]==5.2.5; marker`."""
    try:
        need = Requirement(requirement)
    except InvalidRequirement as problem:
        raise LockError(f"catalogue: {requirement!r}: {problem}") from None
    if need.url or any(clause.operator.startswith("==") for clause in need.specifier):
        raise LockError(f"catalogue: {requirement!r} is more than a name and a bound")
    need.name = normal(need.name)
    need.specifier = SpecifierSet(f"=={packages[need.name].version}")
    return str(need).replace('"', "'")


def path(minor: str) -> Path:
    """Where the universe of a Python minor is kept."""
    return Path(__file__).parent / f"py{minor.replace('.', '')}.jinja"


def write(minor: str, universe: Universe) -> None:
    """Compile to Jinja: the rows are one text, which costs a copy a tenth of what literals cost."""
    lines = ["{% set direct = {"]
    lines += [f"{json.dumps(name)}: {json.dumps(pins)}," for name, pins in universe.direct.items()]
    lines += ["} %}", f"{{% set builds = {json.dumps(universe.builds)} %}}", "{% set rows %}"]
    for name, package in universe.packages.items():
        reach = [
            text for m, found in sorted(package.reach.items()) for text in (m, " ".join(found))
        ]
        lines.append("|".join([f"{name}=={package.version}", " ".join(package.hashes), *reach]))
    text = HEADER + "\n".join([*lines, "{% endset %}"]) + "\n"
    if "://" in text:
        raise LockError(f"an address would be written to {path(minor).name}")
    path(minor).write_text(text, encoding="utf-8", newline="\n")


def read(minor: str) -> Universe:
    """The committed universe; empty where there is none yet."""
    if not path(minor).exists():
        return Universe({}, {})
    text = path(minor).read_text(encoding="utf-8")
    module: Any = jinja2.Environment().from_string(text).module
    packages = {}
    for release, hashes, *reach in (row.split("|") for row in module.rows.strip().split("\n")):
        name, _, version = release.partition("==")
        reached = dict(zip(reach[::2], map(str.split, reach[1::2]), strict=True))
        packages[name] = Package(version, tuple(hashes.split()), reached)
    return Universe(packages, module.direct, module.builds)
