"""Lock the packages: resolve the groups of pyproject.toml into requirements.lock, every row exact and hashed.

uv resolves in a scratch folder and prefers the pins of the present lock, so a new package moves no other.
`python run.py lock --upgrade [NAME ...]` lets go of all pins, or of those named.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

SYSTEMS = ("darwin", "linux", "win32")
EVERYWHERE = " or ".join(f"sys_platform == '{system}'" for system in SYSTEMS)
ROW = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+))?")
HEADER = """\
# Every package of every job, exact and hashed; `python run.py lock` writes this file.
# run.py installs the rows of the jobs that a verb needs.
"""
SERVE_HEADER = """\
# The packages of the serving image, exact and hashed; `python run.py lock` writes this file.
"""


class LockError(Exception):
    """What stands in the way of a lock; shown without a traceback."""


class Row(NamedTuple):
    """One locked package: where it is installed (`marker`, empty for everywhere) and the files it may come from."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def resolve(
    python: str, groups: Mapping[str, list[str]], pins: Mapping[str, str], *options: str
) -> dict[str, list[Row]]:
    """The rows that each group of requirements reaches, all out of one resolution for the Pythons `python`."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        lines = ["[project]", 'name = "the-project-itself"', 'version = "0"', f'requires-python = "{python}"']
        lines += ["[dependency-groups]", *(f'"{name}" = {json.dumps(wanted)}' for name, wanted in groups.items())]
        systems = [f"sys_platform == '{system}'" for system in SYSTEMS]
        lines += ["[tool.uv]", "package = false", "default-groups = []", f"environments = {json.dumps(systems)}"]
        (scratch / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
        (scratch / "uv.lock").write_text(_preferences(python, pins), encoding="utf-8")
        _uv(scratch, "lock", "--no-progress", *options)
        export = ("export", "--frozen", "--no-header", "--no-annotate", "--no-emit-project")
        reached = {name: rows(_uv(scratch, *export, "--only-group", name)) for name in groups}
    versions: dict[str, str] = {}
    for row in (row for group in reached.values() for row in group):
        if versions.setdefault(row.name, row.version) != row.version:
            raise LockError(f"{row.name} has two versions, {versions[row.name]} and {row.version}; give it a bound")
    return reached


def rows(text: str) -> list[Row]:
    """Read requirement rows; comments and blank lines are passed over."""
    found = []
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    for block in "\n".join(lines).replace("\\\n", "").splitlines():
        requirement, *hashes = (part.strip() for part in block.split("--hash=sha256:"))
        match = ROW.fullmatch(requirement)
        if not match or not hashes:
            raise LockError(f"cannot lock {requirement!r}: it needs an exact version and hashes, from an index")
        marker = (match["marker"] or "").replace(f" and ({EVERYWHERE})", "").replace(EVERYWHERE, "")
        found.append(Row(match["name"], match["version"], marker, tuple(hashes)))
    return found


def render(reached: Mapping[str, Iterable[Row]], *, comments: bool = True) -> str:
    """The rows of all jobs, each once, followed by the jobs it is for. A row without a condition in one job has none."""
    jobs: dict[str, list[str]] = {}
    markers: dict[str, set[str]] = {}
    united: dict[str, Row] = {}
    for job, job_rows in reached.items():
        for row in job_rows:
            jobs.setdefault(row.name, []).append(job)
            markers.setdefault(row.name, set()).add(row.marker)
            united[row.name] = row
    text = ""
    for name, row in sorted(united.items()):
        marker = "" if "" in markers[name] else " ; " + " or ".join(sorted(markers[name]))
        text += " \\\n    --hash=sha256:".join([f"{name}=={row.version}{marker}", *row.hashes]) + "\n"
        text += f"    # for: {' '.join(jobs[name])}\n" if comments else ""
    return text


def main(argv: list[str], root: Path | None = None) -> int:
    """Write requirements.lock and, where there is a group `serve`, requirements-serve.lock."""
    parser = argparse.ArgumentParser(prog="run.py lock", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--upgrade", nargs="*", metavar="NAME", help="let go of the pins: of all packages, or of these")
    parser.add_argument("--cool-down", type=int, metavar="DAYS", help="take no release younger than this")
    asked = parser.parse_args(argv)
    try:
        lock(root or Path.cwd(), asked.upgrade, asked.cool_down)
    except LockError as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    return 0


def lock(root: Path, upgrade: list[str] | None, cool_down: int | None) -> None:
    """Resolve, print what moved, and write. `upgrade` is None for no package, empty for all."""
    project_file, lock_file = root / "pyproject.toml", root / "requirements.lock"
    text = project_file.read_text(encoding="utf-8")
    project = tomllib.loads(text)
    before = {row.name: row.version for row in rows(lock_file.read_text(encoding="utf-8"))} if lock_file.exists() else {}
    free = set(before) if upgrade == [] else {normal(name) for name in upgrade or []}
    if unknown := free - set(before):
        raise LockError(f"not in requirements.lock: {', '.join(sorted(unknown))}")
    everywhere = project["project"].get("dependencies", [])
    groups = {
        job: [_let_go(requirement, free) for requirement in [*everywhere, *wanted]]
        for job, wanted in project.get("dependency-groups", {}).items()
    }
    options = ["--exclude-newer", f"{cool_down} days"] if cool_down else []
    pins = {name: version for name, version in before.items() if name not in free}
    reached = resolve(project["project"]["requires-python"], groups, pins, *options)
    after = {row.name: row.version for job_rows in reached.values() for row in job_rows}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            print(f"{name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}")
    lock_file.write_text(HEADER + render(reached), encoding="utf-8", newline="\n")
    if "serve" in reached:
        serve = SERVE_HEADER + render({"serve": reached["serve"]}, comments=False)
        (root / "requirements-serve.lock").write_text(serve, encoding="utf-8", newline="\n")
    for name in free & set(after):
        text = re.sub(rf'("{re.escape(name)}(?:\[[^]]*\])?==){re.escape(before[name])}\b', rf"\g<1>{after[name]}", text)
    project_file.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(after)} packages are locked")


def normal(name: str) -> str:
    """The spelling that locks use: `Scikit_Learn` is `scikit-learn`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _let_go(requirement: str, free: set[str]) -> str:
    if not isinstance(requirement, str):
        raise LockError(f"cannot lock {requirement!r}: groups are lists of requirements")
    name = re.match(r"[\w.-]+", requirement)
    return re.sub(r"==[^\s;,]+", "", requirement) if name and normal(name[0]) in free else requirement


def _preferences(python: str, pins: Mapping[str, str]) -> str:
    """A lock with names and versions only: too little for uv to accept, enough to prefer them."""
    head = f'version = 1\nrequires-python = "{python}"\n'
    row = '\n[[package]]\nname = "{}"\nversion = "{}"\nsource = {{ registry = "." }}\n'
    return head + "".join(row.format(*pin) for pin in sorted(pins.items()))


def _uv(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "uv", *words], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise LockError(f"uv {words[0]} failed\n{done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
