"""The repository at hand: what it must be like, and the clone of it in which all work is done."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from template.tools.template import TemplateError

TABLES = ("data", ":(glob)*.csv", ":(glob)*.parquet")  # what .gitignore leaves out of a repository


def call(words: list[str], folder: Path, **environment: str) -> str:
    """Run a program and return what it prints; if it fails, all it said is the reason."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if done.returncode:
        said = " ".join((done.stderr.strip() or done.stdout).split()) or "no reason given"
        raise TemplateError(f"{' '.join(words[:3])} ... failed: {said}")
    return done.stdout


def git(folder: Path, *words: str, **environment: str) -> str:
    """One git command."""
    return call(["git", *words], folder, **environment)


def check_clean(root: Path) -> None:
    """Refuse to begin where work could be lost or the result could not be committed."""
    try:
        top = git(root, "rev-parse", "--show-toplevel", "--verify", "HEAD").split("\n")[0]
        git(root, "var", "GIT_COMMITTER_IDENT")
    except TemplateError as problem:
        raise TemplateError(
            "an update needs a git repository with a commit and your name (git init, git add --all,"
            f" git commit): {problem}"
        ) from None
    if Path(top).resolve() != root:
        raise TemplateError(
            f"this folder is a part of {top}, and python3 run.py template update needs a repository"
            " of its own. Only plain copier update works here; an interrupted one stays half-way,"
            " so commit first, and git can restore it"
        )
    # Without the option, git writes a refreshed index: a look must not need a disk with room.
    if dirty := git(root, "--no-optional-locks", "status", "--porcelain").splitlines():
        raise TemplateError(
            f"commit or stash first: {dirty[0][3:]} and {len(dirty) - 1} more differ"
        )


def borrow(root: Path, scratch: Path) -> Path:
    """A clone of the last commit, with the identity of this repository."""
    clone = scratch / "clone"
    git(root, "clone", "--quiet", "--shared", str(root), str(clone))
    for name in ("user.name", "user.email"):
        if value := git(root, "config", "--default", "", name).strip():
            git(clone, "config", name, value)
    return clone


def lend_data(root: Path, clone: Path) -> None:
    """Copy the tables that git leaves out into the clone: the contract may name one for its tests.

    They are copied, so that no test can harm the only one there is.
    """
    left_out = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", *TABLES)
    for name in filter(None, git(root, *left_out).split("\0")):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, clone / name)
