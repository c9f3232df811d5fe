"""The locks of a project with packages of its own, after an update."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from extensions.update.project import call, git
from template.tools import lock

LOCKS = ("requirements.lock", "requirements-serve.lock")


def united(clone: Path, release: str, name: str) -> str:
    """The rows of the release and, after them, those of packages that only this project has."""
    theirs = git(clone, "show", f"{release}:{name}")
    known = {row.name for row in lock.rows(theirs)}
    ours = re.split(r"(?m)^(?=[a-zA-Z0-9])", git(clone, "show", f"HEAD:{name}"))[1:]
    return theirs + "".join(row for row in ours if re.split("[=;]", row)[0].strip() not in known)


def relock(clone: Path, release: str) -> bool:
    """Resolve again if the project has packages of its own; else the release's lock holds.

    The clone's own tool does it: the one that its owner will call. Here it finds the uv it needs.
    """
    here = {name: (clone / name).read_text("utf-8") for name in ("pyproject.toml", LOCKS[0])}
    there = {name: git(clone, "show", f"{release}:{name}") for name in here}
    wanted = [
        tomllib.loads(side["pyproject.toml"]).get("dependency-groups") for side in (here, there)
    ]
    if wanted[0] == wanted[1] and here[LOCKS[0]] == there[LOCKS[0]]:
        return False
    call([sys.executable, "-m", "tools.lock"], clone)
    return True
