"""Bring every lock of the template in line with catalogue/ and pyproject.toml.

Present pins stay where they can; `--upgrade` lets go of them. Each move is printed with the
options that it touches. uv must find, or be able to fetch, each of the Python minors.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from functools import cache

from extensions.catalogue import catalogue, seams
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
    set_apart,
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
    """Write the universes, the environments apart, and the template's own lock."""
    found = catalogue()
    wanted, divide = components(found), set_apart(found)
    built, moves = {}, dict[str, list[str]]()
    for minor in MINORS:
        print(f"Python {minor}:", end=" ", flush=True)
        before = read(minor)
        start = Universe({}, {}) if upgrade else before
        built[minor] = accept(build(minor, wanted, start, *options, apart=divide), found)
        print(f"{len(built[minor].packages)} packages are locked")
        for line in moved(before, built[minor]):
            moves.setdefault(line, []).append(minor)
    print("".join(f"  {line}{only(minors)}\n" for line, minors in sorted(moves.items())), end="")
    for minor, universe in built.items():  # all of them resolved, or nothing is written
        write(minor, universe)
    for environment in apart.environments(found):
        apart.lock(environment, upgrade, *options)
    print("the template's own:", end=" ", flush=True)
    own.lock(ROOT, [] if upgrade else None, *options)


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
    known = answers()
    return ", ".join(
        " with ".join(known.get(switch, switch) for switch in owner.split("+"))
        for owner in package.owners
    )


@cache
def answers() -> dict[str, str]:
    """The answer that brings an option: tracking_mlflow -> tracking=mlflow."""
    every = seams(catalogue()).items()
    return {f"{seam}_{option}": f"{seam}={option}" for seam, options in every for option in options}


def only(minors: list[str]) -> str:
    """Where a move is not the same for every Python."""
    return "" if len(minors) == len(MINORS) else f" (Python {', '.join(minors)})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
