"""Carry the changes of a template release onto this repository, without touching it.

Everything happens in a clone: the recorded release and the new one are rendered with the recorded
answers, and git applies their difference to the last commit. So a file that the template moved
keeps the edits made here, and one that it removed but that was edited here is a conflict.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools import lock

ANSWERS = ".copier-answers.yml"
YOURS = ("contract.toml",)  # the template writes it once and never again
LOCKS = ("requirements.lock", "requirements-serve.lock")
COPIER = Path(__file__).with_name("copier.lock")
WHY = {
    frozenset({1, 2}): "removed or moved by the template, edited here",
    frozenset({2, 3}): "added on both sides",
    frozenset({1, 2, 3}): "both sides changed the same lines",
}


class UpgradeError(Exception):
    """What stands in the way of an update; shown without a traceback."""


class Carried(NamedTuple):
    """The clone with the release merged in, the release as a commit, what git could not merge."""

    clone: Path
    release: str
    conflicts: dict[str, str]


def call(words: list[str], folder: Path, **environment: str) -> str:
    """Run a program and return what it prints; its last line says why it failed."""
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise UpgradeError(f"{' '.join(words[:3])} ... failed: {said[-1]}")
    return done.stdout


def git(folder: Path, *words: str, **environment: str) -> str:
    """One git command."""
    return call(["git", *words], folder, **environment)


def check_clean(root: Path) -> None:
    """Refuse to begin where work could be lost or the result could not be committed."""
    try:
        top = git(root, "rev-parse", "--show-toplevel", "--verify", "HEAD").split("\n")[0]
        git(root, "var", "GIT_COMMITTER_IDENT")
    except UpgradeError as problem:
        raise UpgradeError(
            f"a git repository with a commit and a name is needed: {problem}"
        ) from None
    if Path(top).resolve() != root.resolve():
        raise UpgradeError(f"this folder is a part of {top}; take `copier update` there")
    # Without the option, git writes a refreshed index: a look must not need a disk with room.
    if dirty := git(root, "--no-optional-locks", "status", "--porcelain").splitlines():
        raise UpgradeError(
            f"commit or stash first: {dirty[0][3:]} and {len(dirty) - 1} more differ"
        )


def borrow(root: Path, scratch: Path) -> Path:
    """A clone of the last commit, with the identity of this repository."""
    clone = scratch / "clone"
    git(root, "clone", "--quiet", "--shared", str(root), str(clone))
    for name in ("user.name", "user.email"):
        if value := subprocess.run(
            ["git", "config", name], cwd=root, capture_output=True, text=True
        ).stdout.strip():
            git(clone, "config", name, value)
    return clone


def carry(clone: Path, root: Path, old: str, new: str, data: list[str], news: str) -> Carried:
    """Render both releases, and let git carry the difference onto the last commit, in the clone.

    `news` is what the release says to owners; it becomes a part of the commit's message.
    """
    scratch = clone.parent
    copier = find_copier(scratch)
    before = render(copier, root, scratch / "before", old, [])
    after = render(copier, root, scratch / "after", new, data)
    check_answers(root / ANSWERS, after / ANSWERS, data)
    for name in YOURS:
        if (before / name).exists() and (after / name).exists():
            shutil.copyfile(before / name, after / name)
    base = snapshot(clone, before, "as it was rendered")
    release = snapshot(clone, after, f"Template {old} -> {new}\n\n{news}".strip(), base)
    pick = ("-c", "merge.directoryRenames=false", "cherry-pick", "--no-commit", release)
    subprocess.run(["git", *pick], cwd=clone, capture_output=True)
    return Carried(clone, release, dict(settle(clone, release)))


def find_copier(scratch: Path) -> list[str]:
    """Copier of this environment, or one in an environment of its own, which goes after use."""
    if importlib.util.find_spec("copier"):
        return [sys.executable, "-m", "copier"]
    folder = scratch / "copier"
    call([sys.executable, "-m", "venv", "--without-pip", str(folder)], scratch)
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    install = ["uv", "pip", "install", "--quiet", "--python", python, "--no-deps"]
    call([sys.executable, "-m", *install, "--require-hashes", "-r", str(COPIER)], scratch)
    return [python, "-m", "copier"]


def render(copier: list[str], root: Path, folder: Path, release: str, data: list[str]) -> Path:
    """What a release makes of the recorded answers and of those that `data` replaces."""
    folder.mkdir()
    shutil.copyfile(root / ANSWERS, folder / ANSWERS)
    given = [word for pair in data for word in ("--data", pair)]
    options = ["--defaults", "--overwrite", "--quiet", "--vcs-ref", release, *given]
    try:
        call([*copier, "recopy", *options, str(folder)], folder)
    except UpgradeError as problem:
        refused = re.search(r"answers refused: .*(?=['\"]$)", str(problem))
        raise UpgradeError(refused[0] if refused else str(problem)) from None
    return folder


def check_answers(recorded: Path, now: Path, data: list[str]) -> None:
    """Refuse a release that replaced an answer in silence because it does not know it any more."""
    before, after = (
        dict(re.findall(r"(?m)^([a-z]\w*): (.+)$", path.read_text("utf-8")))
        for path in (recorded, now)
    )
    given = {pair.partition("=")[0] for pair in data}
    for name in sorted(before.keys() & after.keys() - given):
        if not given and before[name] != after[name]:
            raise UpgradeError(
                f"{name}: {before[name]} is not possible any more; say what is: -d {name}=..."
            )


def snapshot(clone: Path, folder: Path, message: str, *parents: str) -> str:
    """The files of a folder as a commit in the clone."""
    index = {"GIT_DIR": str(clone / ".git"), "GIT_INDEX_FILE": str(folder) + ".index"}
    git(folder, "--work-tree=.", "add", "--all", "--force", ".", **index)
    tree = git(folder, "write-tree", **index).strip()
    above = [word for parent in parents for word in ("-p", parent)]
    return git(clone, "commit-tree", tree, *above, "-m", message).strip()


def unmerged(clone: Path) -> dict[str, set[int]]:
    """What git could not merge: which of base (1), here (2) and template (3) there are."""
    found: dict[str, set[int]] = {}
    for entry in filter(None, git(clone, "ls-files", "--unmerged", "-z").split("\0")):
        facts, _, name = entry.partition("\t")
        found.setdefault(name, set()).add(int(facts.split()[2]))
    return found


def settle(clone: Path, release: str) -> Iterator[tuple[str, str]]:
    """Decide what needs no person; pass on the rest, each with the reason."""
    for name, stages in sorted(unmerged(clone).items()):
        if 2 not in stages:  # deleted here: it stays deleted
            git(clone, "rm", "--quiet", "--force", "--cached", "--", name)
            (clone / name).unlink(missing_ok=True)
        elif name in LOCKS:  # made anew from both
            (clone / name).write_text(both_locks(clone, release, name), "utf-8", newline="\n")
            git(clone, "add", "--", name)
        else:
            yield name, WHY.get(frozenset(stages), "changed on both sides")


def both_locks(clone: Path, release: str, name: str) -> str:
    """The rows of the release and, after them, those of packages that only this repository has."""
    theirs = git(clone, "show", f"{release}:{name}")
    known = {row.name for row in lock.rows(theirs)}
    ours = re.split(r"(?m)^(?=[a-zA-Z0-9])", git(clone, "show", f"HEAD:{name}"))[1:]
    return theirs + "".join(row for row in ours if re.split("[=;]", row)[0].strip() not in known)


def relock(carried: Carried) -> bool:
    """Resolve again if this repository has packages of its own; else the release's lock holds."""
    here = {
        name: (carried.clone / name).read_text("utf-8") for name in ("pyproject.toml", LOCKS[0])
    }
    release = {name: git(carried.clone, "show", f"{carried.release}:{name}") for name in here}
    wanted = [
        tomllib.loads(side["pyproject.toml"]).get("dependency-groups") for side in (here, release)
    ]
    if wanted[0] == wanted[1] and here[LOCKS[0]] == release[LOCKS[0]]:
        return False
    call([sys.executable, "-m", "tools.lock"], carried.clone)
    return True
