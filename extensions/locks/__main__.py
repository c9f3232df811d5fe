"""`python3 run.py lock`: bring every lock of the template in line with catalogue.yml and pyproject.toml.

Present pins are kept where they can be; `--upgrade` lets go of them and says which options each move touches.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from extensions import names
from extensions.locks import universe
from extensions.locks.universe import MINORS, ROOT, Universe, resolver

COOL_DOWN_DAYS = 14


def main(argv: list[str]) -> int:
    """Resolve, compile, and print what moved."""
    parser = argparse.ArgumentParser(prog="run.py lock", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="let go of the present pins")
    parser.add_argument("--cool-down", type=int, default=COOL_DOWN_DAYS, metavar="DAYS", help="take no younger release")
    asked = parser.parse_args(argv)
    try:
        lock(asked.upgrade, asked.cool_down)
    except resolver.LockError as problem:
        print(f"lock: {problem}", file=sys.stderr)
        return 1
    return 0


def lock(upgrade: bool, cool_down: int) -> None:
    wanted = universe.components(universe.read_catalogue())
    options = ["--exclude-newer", f"{cool_down} days"]
    built = {}
    for minor in MINORS:
        before = universe.read(minor)
        built[minor] = universe.build(minor, wanted, {} if upgrade else before.pins, *options)
        print(f"Python {minor}: {len(built[minor].packages)} packages")
        print("".join(f"  {line}\n" for line in moved(before, built[minor])), end="")
    for minor, after in built.items():  # nothing is written before everything is resolved
        universe.write(minor, after)
    names.main(built.values())
    resolver.lock(ROOT, [] if upgrade else None, cool_down)


def moved(before: Universe, after: Universe) -> list[str]:
    """One line for each package that came, went or changed: from, to, and the owners that it touches."""
    lines = []
    for name in sorted({*before.packages, *after.packages}):
        old, new = before.packages.get(name), after.packages.get(name)
        if old is None or new is None or old.version != new.version:
            reach = {**(old.reach if old else {}), **(new.reach if new else {})}
            owners = sorted({component.split(".")[0] for found in reach.values() for component in found})
            lines.append(f"{name}: {old.version if old else 'new'} -> {new.version if new else 'gone'} ({', '.join(owners)})")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
