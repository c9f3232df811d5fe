"""The first commit of a new repository, by the user's own git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


class CommitError(Exception):
    """Git would not do it; the text says why."""


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Git in this folder, whatever repository the caller's environment points at."""
    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    }
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def obstacle(destination: Path) -> str:
    """Why a first commit cannot be made there, and the way out; empty if it can."""
    if not shutil.which("git"):
        return "git is not installed"
    above = next(p for p in (destination, *destination.resolve().parents) if p.is_dir())
    inside = git(above, "rev-parse", "--show-toplevel")
    if inside.returncode == 0:
        return f"{destination} is inside the repository {inside.stdout.strip()}"
    if destination.is_dir() and any(destination.iterdir()):
        return f"{destination} holds files already, and they would be in it"
    if git(above, "var", "GIT_AUTHOR_IDENT").returncode:
        return (
            "git does not know who you are; tell it: git config --global user.name NAME, "
            "git config --global user.email ADDRESS"
        )
    return ""


def commit(destination: Path, message: str) -> str:
    """Make a repository with everything in one commit; its short name.

    Raises CommitError with what git said; what was rendered stays as it is.
    """
    for arguments in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", message),
        ("rev-parse", "--short", "HEAD"),
    ):
        done = git(destination, *arguments)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise CommitError(f"git {arguments[0]}: {said[-1] if said else 'it failed'}")
    return done.stdout.strip()
