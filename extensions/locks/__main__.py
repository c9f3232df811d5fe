"""Bring every lock of the template in line with catalogue.yml and pyproject.toml.

Present pins stay where they can; `--upgrade` lets go of them. Each move is printed with the
options that it touches. uv must find, or be able to fetch, each of the Python minors.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from extensions.locks import apart
from extensions.locks.universe import (
    MINORS,
    ROOT,
    Package,
    Universe,
    accept,
    build,
    components,
    read,
    read_catalogue,
    write,
)
from template.tools import lock as own

COOL_DOWN_DAYS = 14  # a release younger than this may still be withdrawn, or be an attack


def main(argv: list[str]) -> int:
    """Resolve, compile, and print what moved."""
    parser = argparse.ArgumentParser(prog="run.py lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="let go of the present pins")
    parser.add_argument("--cool-down", type=int, default=COOL_DOWN_DAYS, metavar="DAYS")
    asked = parser.parse_args(argv)
    if shutil.which("pyenv"):  # it hides from uv every Python but the selected one
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)
        os.environ["PYENV_VERSION"] = ":".join(listed.stdout.split())
    try:
        lock(asked.upgrade, "--exclude-newer", f"{asked.cool_down} days")
    except own.LockError as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    return 0


def lock(upgrade: bool, *options: str) -> None:
    """Write the universes, the names that no project may have, and the template's own lock."""
    catalogue = read_catalogue()
    wanted = components(catalogue)
    built, moves = {}, dict[str, list[str]]()
    for minor in MINORS:
        print(f"Python {minor}:", end=" ", flush=True)
        before = read(minor)
        start = Universe({}, {}) if upgrade else before
        built[minor] = accept(build(minor, wanted, start, *options), catalogue)
        print(f"{len(built[minor].packages)} packages are locked")
        for line in moved(before, built[minor]):
            moves.setdefault(line, []).append(minor)
    print("".join(f"  {line}{only(minors)}\n" for line, minors in sorted(moves.items())), end="")
    for minor, universe in built.items():  # all of them resolved, or nothing is written
        write(minor, universe)
    for environment in apart.environments(catalogue):
        apart.lock(environment, upgrade, *options)
    print("the template's own:", end=" ", flush=True)
    own.lock(ROOT, [] if upgrade else None, *options)
    running = "{}.{}".format(*sys.version_info)
    reserve_names(built[running if running in MINORS else MINORS[-1]])


def moved(before: Universe, after: Universe) -> list[str]:
    """One line for each package that came, went or changed its version: whose copies it touches."""
    lines = []
    for name in sorted({*before.packages, *after.packages}):
        old, new = before.packages.get(name), after.packages.get(name)
        if old and new and old.version != new.version:
            lines.append(f"{name} {old.version} -> {new.version}: {touched(new)}")
        elif new and not old:
            lines.append(f"{name} {new.version} comes in: {touched(new)}")
        elif old and not new:
            lines.append(f"{name} {old.version} goes: {touched(old)}")
    return lines


def touched(package: Package) -> str:
    """The answers whose copies hold a package."""
    if "base" in package.owners:
        return "every copy"
    return ", ".join(answers().get(owner, owner) for owner in package.owners)


@cache
def answers() -> dict[str, str]:
    """The answer that brings an option: tracking_mlflow -> tracking=mlflow."""
    seams = read_catalogue().items()
    return {f"{seam}_{option}": f"{seam}={option}" for seam, options in seams for option in options}


def only(minors: list[str]) -> str:
    """Where a move is not the same for every Python."""
    return "" if len(minors) == len(MINORS) else f" (Python {', '.join(minors)})"


def reserve_names(universe: Universe) -> None:
    """Install everything once, to learn the names under which the packages are imported.

    The gigabytes of CUDA are left out, and uv sees the wheels that pip sees: a small PyTorch.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text("\n".join(universe.requirements), encoding="utf-8")
        own.uv(folder, "venv", "--python", sys.executable, "all")
        links = [f"--find-links={place}" for place in os.environ.get("PIP_FIND_LINKS", "").split()]
        own.uv(folder, "pip", "install", "--python", "all", "--no-deps", "-r", wanted.name, *links)
        python = next(Path(folder, "all").glob("[bS]*/python*"))
        call = [sys.executable, "-m", "extensions.names", str(python)]
        subprocess.run(call, cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
