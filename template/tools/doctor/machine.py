"""The machine itself: Python, git, and room on the disk."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator

from . import MISSING, OK, ROOT, Finding, program, told

ROOM = 2.0  # GB


def look() -> Iterator[Finding]:
    """Say whether Python, git and the disk are what this project needs."""
    yield _python()
    yield _git()
    yield _disk()


def _python() -> Finding:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.search(r'(?m)^requires-python = ">=3\.(\d+),<3\.(\d+)"', project)
    said = f"{sys.version.split()[0]} at {sys.executable}"
    if wanted and not int(wanted[1]) <= sys.version_info[1] < int(wanted[2]):
        way_out = (
            f"install 3.{wanted[1]}: uv python install 3.{wanted[1]}, or your system's package"
        )
        said += f", but pyproject.toml asks for 3.{wanted[1]}"
        return Finding(MISSING, "Python", said, "every verb", way_out)
    return Finding(OK, "Python", said, "every verb")


def _git() -> Finding:
    needs_it = "template, secrets, check, pre-commit, and the commit that each run records"
    git = program("git")
    if not git:
        systems = "Debian: apt-get install git; macOS: xcode-select --install"
        way_out = f"install git ({systems}; Windows: winget install Git.Git)"
        return Finding(MISSING, "git", "not on the PATH", needs_it, way_out)
    if told(git, "rev-parse", "--is-inside-work-tree") is None:
        way_out = 'git init && git add --all && git commit -m "start"'
        return Finding(MISSING, "git repository", f"{ROOT} is in none", needs_it, way_out)
    if told(git, "rev-parse", "--verify", "HEAD") is None:
        way_out = 'git add --all && git commit -m "start"'
        return Finding(MISSING, "git commit", "the repository has none yet", needs_it, way_out)
    return Finding(OK, "git", f"{git}, and {ROOT.name} is in a repository", needs_it)


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free / 1e9
    said = f"{free:.1f} GB are free at {ROOT}"
    if free < ROOM:
        way_out = f"free {ROOM:g} GB, or move the project to a larger disk"
        return Finding(MISSING, "disk", said, "the packages in .venv, and the store", way_out)
    return Finding(OK, "disk", said, "the packages in .venv, and the store")
