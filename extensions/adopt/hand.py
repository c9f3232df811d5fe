"""What needs a person after the merge, beyond the files that it could not decide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from extensions.adopt.answers import Files
from extensions.adopt.trees import AdoptError, git
from extensions.adopt.unite import package

SHADOWS = {  # settings that win over those in pyproject.toml
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "ruff.toml": "ruff",
    ".ruff.toml": "ruff",
    "mypy.ini": "mypy",
    ".mypy.ini": "mypy",
}
Hand = tuple[str, str]  # a path, and what to do


def left(
    clone: Path, tree: str, yours: Iterable[str], gone: Iterable[str], files: Files, lock: str
) -> Iterator[Hand]:
    """Everything of this kind, in the finished tree."""
    mine = set(yours)
    for path in sorted(mine & {*SHADOWS}):
        yield path, f"{SHADOWS[path]} reads it instead of pyproject.toml: move its settings there"
    for path, names in packages(files).items():
        if path in mine and (missing := [name for name in names if f"\n{name}==" not in lock]):
            listed = ", ".join(missing)
            yield (
                path,
                f"the lock lacks {listed}: add them to pyproject.toml, then python3 run.py lock",
            )
    head = git(clone, "rev-parse", "--short", "HEAD")
    yield from mentions(clone, head, tree, mine, gone)
    if tests := [path for path in mine if re.search(r"^tests/(.+/)?test_\w+\.py$", path)]:
        yield min(tests), f"`python3 run.py test` now runs these {len(tests)} tests of yours too"


def packages(files: Files) -> Mapping[str, list[str]]:
    """What the project's own lists of packages name, file by file."""
    found = {}
    for path, text in files.items():
        if path.startswith("requirements") and path.endswith(".txt"):
            rows = [line for line in text.splitlines() if re.match(r"\w", line)]
            found[path] = sorted({package(row) for row in rows})
    return found


def mentions(
    clone: Path, head: str, tree: str, mine: set[str], gone: Iterable[str]
) -> Iterator[Hand]:
    """Files of yours that import or call a module of the old template that went away."""
    for path in gone:
        if not path.endswith(".py") or path.endswith("__init__.py"):
            continue
        *above, name = (re.escape(part) for part in path.removesuffix(".py").split("/"))
        pattern = "[./]".join([*above, name])
        if above:
            pattern += rf"|{above[-1]} import (.*[ ,])?{name}\b"
        try:
            found = git(clone, "grep", "-l", "-z", "-E", "-e", rf"\b({pattern})\b", tree)
        except AdoptError:
            continue  # git's way to say that there is none
        for place in found.split("\0"):
            user = place.partition(":")[2]
            if user in mine and user != path:
                yield (
                    user,
                    f"it names {path}, which went away; back with: git checkout {head} -- {path}",
                )
