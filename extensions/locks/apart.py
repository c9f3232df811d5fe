"""Environments apart: what cannot share the universe gets a folder with a lock of its own.

A record of the catalogue asks for one with `environments: {folder: {job: [requirement]}}`. The
folder receives a `pyproject.toml` and a `requirements.lock`, each for the Python of the project.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from extensions.catalogue import owners
from extensions.locks.universe import JOBS, MINORS, ROOT, Package, pin
from template.tools import lock as own

NAMES = ("pyproject.toml", "requirements.lock", "requirements-serve.lock")
PROJECT = """\
[project]
name = "{name}"
version = "0"
requires-python = ">={minor},<3.{following}"

# What each job needs, exact. After a change here: python3 run.py lock --folder {name}
[dependency-groups]
{groups}
[tool.uv]
managed = false # requirements.lock is the lock: it names no index, so it works behind any mirror
"""


class Apart(NamedTuple):
    """An environment of one option: its folder in the template, its Pythons and its packages."""

    folder: Path
    minors: Sequence[str]
    wanted: Mapping[str, list[str]]


def environments(catalogue: Mapping[str, Any], root: Path = ROOT) -> Iterator[Apart]:
    """Every environment that a record asks for."""
    for owner, record in owners(catalogue):
        place = root / "template" / f"{{{{ use.{owner} }}}}"
        minors = record.get("needs", {}).get("python_minor", MINORS)
        for name, wanted in record.get("environments", {}).items():
            if unknown := {*wanted} - {*JOBS}:
                raise own.LockError(f"catalogue: {owner}: {name}: not a job: {unknown}")
            yield Apart(place / name, minors, wanted)


def lock(apart: Apart, upgrade: bool, *options: str) -> None:
    """Resolve for each Python, and write files that print what the chosen one needs."""
    texts: dict[str, dict[str, str]] = {name: {} for name in NAMES}
    for minor in apart.minors:
        print(f"{apart.folder.name}, Python {minor}:", end=" ", flush=True)
        for name, text in resolve(apart, minor, upgrade, *options).items():
            texts[name][minor] = text
    for name, by_minor in texts.items():
        if by_minor:
            text = "".join(
                f"{{% if python_minor == '{m}' %}}\n{t}{{% endif %}}\n" for m, t in by_minor.items()
            )
            apart.folder.mkdir(parents=True, exist_ok=True)
            (apart.folder / f"{name}.jinja").write_text(text, encoding="utf-8", newline="\n")


def resolve(apart: Apart, minor: str, upgrade: bool, *options: str) -> dict[str, str]:
    """The files of the environment for one Python; what is locked now stays where it can."""
    name = apart.folder.name
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        if before := printed(apart.folder / "requirements.lock.jinja", minor):
            (place / "requirements.lock").write_text(before, encoding="utf-8")
        (place / "pyproject.toml").write_text(project(name, minor, apart.wanted), encoding="utf-8")
        own.lock(place, [] if upgrade else None, *options)
        made = {file.name: file.read_text("utf-8") for file in place.iterdir()}
    packages = {row.name: Package(row.version, ()) for row in own.rows(made["requirements.lock"])}
    pins = {job: [pin(need, packages) for need in needs] for job, needs in apart.wanted.items()}
    made["pyproject.toml"] = project(name, minor, pins)
    for file, text in made.items():
        if "://" in text or "{{" in text or "{%" in text or "{#" in text:
            raise own.LockError(f"{name}/{file} would hold an address or Jinja")
    return made


def project(name: str, minor: str, groups: Mapping[str, list[str]]) -> str:
    """The pyproject.toml of an environment."""
    lines = "".join(
        f"{job} = [\n" + "".join(f'    "{need}",\n' for need in sorted(needs)) + "]\n"
        for job, needs in groups.items()
    )
    following = int(minor.split(".")[1]) + 1
    return PROJECT.format(name=name, minor=minor, following=following, groups=lines)


def printed(path: Path, minor: str) -> str:
    """What a copy for this Python receives of a file; empty where there is none yet."""
    if not path.exists():
        return ""
    jinja = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)
    return jinja.from_string(path.read_text(encoding="utf-8")).render(python_minor=minor)
