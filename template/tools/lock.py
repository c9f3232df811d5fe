"""Lock the packages: the groups of pyproject.toml become requirements.lock, exact and hashed.

uv resolves, in a scratch folder, and prefers the pins of the present lock: a new package moves no
other. `--upgrade` lets go of all pins, `--upgrade NAME` of that one.
"""

from __future__ import annotations

import argparse
import json
import re
import runpy
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .groups import LockError as LockError
from .groups import groups
from .groups import normal as normal

LOCK = "requirements.lock"
SYSTEMS = "sys_platform != 'emscripten'"  # there, some packages need older versions
ROW = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+))?")
NOTES = re.compile(r"(?m)^([\w.-]+)==([^\s;]+).*\n(?:    .+\n)+((?:# .+\n)+)")
HEADER = """\
# Every package of every job, exact and hashed; `python3 run.py lock` writes this file.
# run.py installs the rows of the jobs that a verb needs.
"""
SERVE_HEADER = """\
# The packages of the serving image, exact and hashed; `python3 run.py lock` writes this file.
"""
SCRATCH = """\
[project]
name = "the-project-itself"
version = "0"
requires-python = "{python}"
[tool.uv]
package = false
default-groups = []
environments = ["{systems}"]
[dependency-groups]
{groups}
"""


Pin = tuple[str, str]  # name, version
Apart = Callable[[str], Mapping[str, list[str]]]


class Row(NamedTuple):
    """A locked package; `marker` says where it is installed and is empty for everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    apart: str = ""  # the only job that it is for, whichever group reaches it


def resolve(
    python: str,
    groups: Mapping[str, list[str]],
    pins: Iterable[Pin],
    *options: str,
    apart: Apart | None = None,
) -> dict[str, list[Row]]:
    """The rows that each group of requirements reaches, all out of one resolution.

    `python` is a range such as >=3.11,<3.12; `pins` are kept wherever the requirements allow it.
    `apart` reads uv's lock: by job, the packages that no other job is to have.
    """
    listed = "\n".join(f'"{name}" = {json.dumps(wanted)}' for name, wanted in groups.items())
    project = SCRATCH.format(python=python, systems=SYSTEMS, groups=listed)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(project, encoding="utf-8")
        Path(folder, "uv.lock").write_text(preferences(python, pins), encoding="utf-8")
        uv(folder, "lock", *options)
        export = ["export", "--frozen", "--no-header", "--no-annotate", "--no-emit-project"]
        set_apart = apart(Path(folder, "uv.lock").read_text("utf-8")) if apart else {}
        reached = {}
        for name in groups:
            reached[name] = rows(uv(folder, *export, "--only-group", name))
            for job, packages in set_apart.items():
                without = [f"--prune={package}" for package in packages]
                others = rows(uv(folder, *export, *without, "--only-group", name))
                kept = {row.name for row in others}
                reached[name] = [
                    row if row.name in kept else row._replace(apart=job) for row in reached[name]
                ]
        return reached


def rows(text: str) -> list[Row]:
    """Read requirement rows; comments are passed over."""
    found = []
    text = re.sub(r"(?m)^\s*#.*\n?", "", text).replace("\\\n", "")
    for block in filter(str.strip, text.splitlines()):
        requirement, *hashes = (part.strip() for part in block.split("--hash=sha256:"))
        match = ROW.fullmatch(requirement)
        if not match or not hashes:
            raise LockError(f"{requirement!r} has no exact version with hashes; is it in an index?")
        marker = re.sub(rf"^{SYSTEMS}$| and {SYSTEMS}|{SYSTEMS} and ", "", match["marker"] or "")
        found.append(Row(match["name"], match["version"], marker, tuple(hashes)))
    return found


def render(reached: Mapping[str, Iterable[Row]], notes: Mapping[Pin, str] | None) -> str:
    """The rows of these jobs, each once and followed by the jobs it is for and by its notes.

    Its marker is the union over the jobs: none as soon as one job needs it everywhere.
    `notes` None: a lock for one job, which needs no comments.
    """
    united: dict[Pin, dict[str, Row]] = {}
    for job, job_rows in reached.items():
        for row in job_rows:
            found = united.setdefault((row.name, row.version), {})
            found[row.apart or job] = row
    text = ""
    for (name, version), by_job in sorted(united.items()):
        hashes = next(iter(by_job.values())).hashes
        markers = sorted({row.marker for row in by_job.values()})
        marker = " ; " + " or ".join(markers) if all(markers) else ""
        text += " \\\n    --hash=sha256:".join([f"{name}=={version}{marker}", *hashes]) + "\n"
        if notes is not None:
            jobs = sorted(by_job, key=lambda job: job not in reached)
            text += f"    # for: {' '.join(jobs)}\n" + notes.get((name, version), "")
    return text


def preferences(python: str, pins: Iterable[Pin]) -> str:
    """A uv lock of names and versions only: too little to be accepted, enough to be preferred."""
    head = f'version = 1\nrequires-python = "{python}"\nresolution-markers = ["{SYSTEMS}"]\n'
    row = '\n[[package]]\nname = "{}"\nversion = "{}"\nsource = {{ registry = "." }}\n'
    return head + "".join(row.format(*pin) for pin in sorted(pins))


def uv(folder: str, *words: str) -> str:
    """Run uv in `folder` and return what it prints."""
    call = [sys.executable, "-m", "uv", "--no-progress", *words]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise LockError(f"uv {words[0]} failed\n{done.stderr.strip()}")
    return done.stdout


def versions(locked: Iterable[Row]) -> dict[str, str]:
    """name -> version; two versions, for two systems or Pythons, stand side by side."""
    pins = sorted({(row.name, row.version) for row in locked})
    return {name: " ".join(v for n, v in pins if n == name) for name, _ in pins}


def keep_files(reached: Mapping[str, list[Row]], present: Iterable[Row]) -> None:
    """Give a version that stays all its files; uv drops those for systems that no marker names."""
    files = {(row.name, row.version): row.hashes for row in present}
    for job_rows in reached.values():
        for at, row in enumerate(job_rows):
            known = {*row.hashes, *files.get((row.name, row.version), ())}
            job_rows[at] = row._replace(hashes=tuple(sorted(known)))


def folders(root: Path = Path()) -> list[Path]:
    """The project, and each folder in it that has a lock of its own."""
    found = [path.parent for deep in ("*", "*/*") for path in root.glob(f"{deep}/{LOCK}")]
    hidden = [path for path in found if path.relative_to(root).parts[0].startswith(".")]
    return [root, *sorted({*found} - {*hidden})]


def notes(text: str) -> dict[Pin, str]:
    """The comments beneath the rows of a lock; each stays as long as the version does."""
    return {(name, version): lines for name, version, lines in NOTES.findall(text)}


def hook(root: Path, project: Mapping[str, Any]) -> Apart | None:
    """`apart` of the file that `[tool.run] install` names, which has a say in the lock as well."""
    file = project.get("tool", {}).get("run", {}).get("install")
    return runpy.run_path(str(root / file)).get("apart") if file else None


def lock(root: Path, upgrade: list[str] | None, *options: str) -> None:
    """Resolve, print what moved, and write. `upgrade`: None for no package, [] for all."""
    project_file, lock_file = root / "pyproject.toml", root / LOCK
    text = project_file.read_text(encoding="utf-8")
    project = tomllib.loads(text)
    present = lock_file.read_text(encoding="utf-8") if lock_file.exists() else ""
    before = versions(rows(present))
    free = set(before) if upgrade == [] else {normal(name) for name in upgrade or []}
    if unknown := free - set(before):
        raise LockError(f"not in {LOCK}: {', '.join(sorted(unknown))}")

    def let_go(requirement: str) -> str:
        name = normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
        return re.sub(r"==[^\s;,]+", "", requirement) if name in free else requirement

    everywhere = project["project"].get("dependencies", [])
    needs = {
        job: [let_go(requirement) for requirement in [*everywhere, *wanted]]
        for job, wanted in groups(project).items()
    }
    pins = [(name, each) for name in set(before) - free for each in before[name].split()]
    python, apart = project["project"]["requires-python"], hook(root, project)
    reached = resolve(python, needs, pins, *options, apart=apart)
    keep_files(reached, rows(present))

    after = versions(row for job_rows in reached.values() for row in job_rows)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            print(f"{name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}")
    for name in free & set(after):
        pin = rf'("{re.escape(name)}(?:\[[^]]*])?==){re.escape(before[name])}(?=[\s;"])'
        text = re.sub(pin, rf"\g<1>{after[name]}", text)
    project_file.write_text(text, encoding="utf-8", newline="\n")
    lock_file.write_text(HEADER + render(reached, notes(present)), encoding="utf-8", newline="\n")
    if "serve" in reached:
        serve = SERVE_HEADER + render({"serve": reached["serve"]}, None)
        (root / "requirements-serve.lock").write_text(serve, encoding="utf-8", newline="\n")
    print(f"{len(after)} packages are locked")


def main(argv: list[str]) -> int:
    """Bring the locks in line with pyproject.toml."""
    parser = argparse.ArgumentParser(prog="run.py lock", description=__doc__)
    parser.add_argument("--upgrade", nargs="*", metavar="NAME", help="let go of pins")
    parser.add_argument("--cool-down", type=int, metavar="DAYS", help="take no younger release")
    parser.add_argument("--folder", default=".", help="a folder with a pyproject.toml of its own")
    asked = parser.parse_args(argv)
    options = ["--python", sys.executable]
    options += ["--exclude-newer", f"{asked.cool_down} days"] if asked.cool_down else []
    try:
        lock(Path(asked.folder), asked.upgrade, *options)
    except LockError as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
