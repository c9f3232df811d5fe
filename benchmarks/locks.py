"""What the locks cost: a copy that prints them, and the command that compiles them.

    python3 run.py benchmark locks

Every figure stands beside the same thing without locks, measured in the same run in turns.
"""

import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from extensions.catalogue import catalogue
from extensions.locks import universe
from template.tools import lock

from .journey import copy, git, snapshot
from .report import publish

ROUNDS = 7
AIM = 0.5  # seconds that the locks may add to a copy
MINOR = "{}.{}".format(*sys.version_info)
HEADER = "| what | measured | beside it | difference |\n| --- | ---: | ---: | ---: |"


def main() -> int:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ours = snapshot(folder)
        bare = without_locks(Path(shutil.copytree(ours, folder / "bare")))
        copies = in_turns(
            lambda: processor(ours, fresh(folder / "to")),
            lambda: processor(bare, fresh(folder / "to")),
        )
    compiled = in_turns(build, resolve, rounds=3)
    size = universe.path(MINOR).stat().st_size / 1000
    rows = len(universe.read(MINOR).packages)
    table = [
        HEADER,
        row("`copier copy` with its locks, processor time", copies, "without them"),
        row(f"compiling the lock of one Python, {rows} packages", compiled, "of it `uv lock`"),
    ]
    added = statistics.median(mine - other for mine, other in copies)
    publish(
        "locks",
        "\n".join(table)
        + f"\n\n- The locks add {added:.2f} s to a copy (aim: under {AIM} s); their file for one"
        f" Python is {size:.0f} kB.",
        "python3 run.py benchmark locks",
    )
    return 0


def in_turns(
    ours: Callable[[], float], other: Callable[[], float], rounds: int = ROUNDS
) -> list[tuple[float, float]]:
    """Pairs of seconds; the first pair fills the caches and is not counted."""
    return [(ours(), other()) for _ in range(rounds + 1)][1:]


def row(what: str, pairs: list[tuple[float, float]], beside: str) -> str:
    """One line of the table: the medians, and the median of the differences."""
    mine, other = (statistics.median(each) for each in zip(*pairs, strict=True))
    added = statistics.median(a - b for a, b in pairs)
    return f"| {what} | {mine:.2f} s | {beside} {other:.2f} s | {added:+.2f} s |"


def processor(template: Path, to: Path) -> float:
    """Seconds of processor time for one `copier copy`: it stays idle only to wait for git."""
    before = os.times()
    copy(template, to)
    after = os.times()
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def without_locks(template: Path) -> Path:
    """The same template, but for the locks and the pins in pyproject.toml."""
    for name in ("requirements.lock.jinja", "requirements-serve.lock.jinja"):
        (template / "template" / name).write_text("")
    project = template / "template/pyproject.toml.jinja"
    text = project.read_text(encoding="utf-8")
    bare = re.sub(r"\{% import 'extensions/locks.*?%}\n|\{\{ lock\..*?}}\n", "", text)
    if bare.count("lock.pins") or bare == text:
        sys.exit(f"{project} prints its pins in another way than this benchmark expects")
    project.write_text(bare, encoding="utf-8")
    git(template, "commit", "-qam", "without locks")
    return template


def build() -> float:
    """Seconds to resolve and compile the lock of this Python; nothing has to move."""
    before = universe.read(MINOR)
    start = time.perf_counter()
    universe.build(MINOR, universe.components(catalogue()), before)
    return time.perf_counter() - start


def resolve() -> float:
    """Seconds of `uv lock` for the same requirements and the same pins."""
    wanted = universe.components(catalogue())
    groups = "\n".join(f'"{name}" = {json.dumps(needs)}' for name, needs in wanted.items())
    python = f">={MINOR},<3.{sys.version_info[1] + 1}"
    project = lock.SCRATCH.format(python=python, systems=lock.SYSTEMS, groups=groups)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(project, encoding="utf-8")
        pins = lock.preferences(python, universe.read(MINOR).pins)
        Path(folder, "uv.lock").write_text(pins, encoding="utf-8")
        start = time.perf_counter()
        lock.uv(folder, "lock", "--python", sys.executable)
        return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
