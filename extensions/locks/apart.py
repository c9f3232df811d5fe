"""Environments apart: what cannot share the universe gets a folder with a lock of its own.

A record of the catalogue asks for one with `environments: {folder: {job: [requirement]}}`. The
folder receives a `pyproject.toml` and a `requirements.lock`, each for the Python of the project.
Where a switch of another option stands among the jobs, `{artifact_store_s3: {job: [requirement]}}`,
its rows are printed only beside that option.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
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

# What each job needs, exact. After a change here: python3 run.py lock --folder {folder}
[dependency-groups]
{groups}
[tool.uv]
managed = false # requirements.lock is the lock: it names no index, so it works behind any mirror
"""


class Apart(NamedTuple):
    """An environment of one option: its folder in the template, its Pythons and its packages."""

    folder: Path
    name: str
    """The folder as a rendered repository has it."""
    minors: Sequence[str]
    wanted: Mapping[str, list[str]]
    beside: Mapping[str, Mapping[str, list[str]]] = {}
    """For a switch of another option, what each job needs beside it."""


def environments(catalogue: Mapping[str, Any], root: Path = ROOT) -> Iterator[Apart]:
    """Every environment that a record asks for."""
    for owner, record in owners(catalogue):
        place = root / "template" / f"{{{{ use.{owner} }}}}"
        minors = record.get("needs", {}).get("python_minor", MINORS)
        for name, jobs in record.get("environments", {}).items():
            beside = {key: needs for key, needs in jobs.items() if isinstance(needs, Mapping)}
            wanted = {job: needs for job, needs in jobs.items() if job not in beside}
            if unknown := {*wanted, *(job for needs in beside.values() for job in needs)} - {*JOBS}:
                raise own.LockError(f"catalogue: {owner}: {name}: not a job: {unknown}")
            yield Apart(place / name, name, minors, wanted, beside)


def lock(apart: Apart, upgrade: bool, *options: str) -> None:
    """Resolve for each Python, and write files that print what the chosen one needs."""
    texts: dict[str, dict[str, str]] = {name: {} for name in NAMES}
    for minor in apart.minors:
        print(f"{apart.name}, Python {minor}:", end=" ", flush=True)
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
    name, groups = apart.name, {**apart.wanted}
    for switch, jobs in apart.beside.items():
        groups |= {group(job, switch): needs for job, needs in jobs.items()}
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        if before := printed(apart.folder / "requirements.lock.jinja", minor):
            (place / "requirements.lock").write_text(before, encoding="utf-8")
        (place / "pyproject.toml").write_text(project(name, minor, groups), encoding="utf-8")
        own.lock(place, [] if upgrade else None, *options)
        made = {file.name: file.read_text("utf-8") for file in place.iterdir()}
    packages = {row.name: Package(row.version, ()) for row in own.rows(made["requirements.lock"])}
    pins = {job: [pin(need, packages) for need in needs] for job, needs in groups.items()}
    made["pyproject.toml"] = project(name, minor, {job: pins[job] for job in apart.wanted})
    for file, text in made.items():
        if "://" in text or "{{" in text or "{%" in text or "{#" in text:
            raise own.LockError(f"{name}/{file} would hold an address or Jinja")
    return divided(apart, made, pins) if apart.beside else made


def divided(apart: Apart, made: Mapping[str, str], pins: Mapping[str, list[str]]) -> dict[str, str]:
    """The files, in which what is needed only beside other options is printed only there."""
    switches = {
        group(job, switch): (job, switch) for switch, jobs in apart.beside.items() for job in jobs
    }
    project = made["pyproject.toml"]
    for each, (job, switch) in switches.items():
        lines = "".join(f'    "{need}",\n' for need in sorted(pins[each]))
        extra = f"{{% if use.{switch} %}}\n{lines}{{% endif %}}\n"
        project = project.replace(f"{job} = [\n", f"{job} = [\n{extra}")
    blocks = re.split(r"(?m)^    # for: (.*)\n", made["requirements.lock"].removeprefix(own.HEADER))
    every = serve = ""
    for row, named in zip(blocks[::2], blocks[1::2], strict=False):
        groups = named.split()
        jobs = {each for each in groups if each not in switches}
        needed = sorted({switches[each][1] for each in groups if each in switches})
        before, after = "", ""
        if not jobs:
            jobs = {switches[each][0] for each in groups}
            before = f"{{% if {' or '.join(f'use.{switch}' for switch in needed)} %}}\n"
            after = "{% endif %}\n"
        every += f"{before}{row}    # for: {' '.join(sorted(jobs))}\n{after}"
        serve += f"{before}{row}{after}" if "serve" in jobs else ""
    found = {"pyproject.toml": project, "requirements.lock": own.HEADER + every}
    return found | ({"requirements-serve.lock": own.SERVE_HEADER + serve} if serve else {})


def group(job: str, switch: str) -> str:
    """What a job needs beside an option, as a dependency group."""
    return own.normal(f"{job}-{switch}")


def project(name: str, minor: str, groups: Mapping[str, list[str]]) -> str:
    """The pyproject.toml of an environment."""
    lines = "".join(
        f"{job} = [\n" + "".join(f'    "{need}",\n' for need in sorted(needs)) + "]\n"
        for job, needs in groups.items()
    )
    following = int(minor.split(".")[1]) + 1
    return PROJECT.format(
        name=name.replace("/", "-"), folder=name, minor=minor, following=following, groups=lines
    )


def printed(path: Path, minor: str) -> str:
    """What a copy for this Python with every option would receive; empty where there is no file."""
    if not path.exists():
        return ""
    jinja = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)
    return jinja.from_string(path.read_text(encoding="utf-8")).render(
        python_minor=minor, use=defaultdict(lambda: ".")
    )
