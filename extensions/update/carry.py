"""Carry the changes of a template release onto a project, in a clone of it.

The recorded release and the new one are rendered with the recorded answers, and git applies their
difference to the last commit. So a file that the template moved keeps the edits made here, and one
that it removed but that was edited here is a conflict.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import copier

from extensions.new import refusal
from extensions.update.locks import LOCKS, united
from extensions.update.project import git
from extensions.update.releases import Step
from template.tools.template import TemplateError

ANSWERS = ".copier-answers.yml"
YOURS = ("contract.toml", "corpus/*", "evaluation/questions.jsonl")
"""What the template writes once and never again: its sample stands there only at the beginning."""
WHY = {
    frozenset({1, 2}): "removed or moved by the template, edited here",
    frozenset({2, 3}): "added on both sides",
    frozenset({1, 2, 3}): "both sides changed the same lines",
}


class Carried(NamedTuple):
    """The clone with the release merged in, the release as a commit, what git could not merge."""

    clone: Path
    release: str
    conflicts: dict[str, str]


def carry(clone: Path, root: Path, step: Step, data: Mapping[str, str], news: str) -> Carried:
    """Render both releases, and let git carry the difference onto the last commit, in the clone.

    `news` is what the release says to owners; it becomes a part of the commit's message.
    """
    before = render(root, clone.parent / "before", step.old, step.old_commit, {})
    after = render(root, clone.parent / "after", step.new, step.new_commit, data)
    check_answers(root / ANSWERS, after / ANSWERS, data)
    # A commit may have got its tag since; what was recorded is no edit, under whatever name.
    shutil.copyfile(root / ANSWERS, before / ANSWERS)
    keep_yours(before, after)
    base = snapshot(clone, before, "as it was rendered")
    release = snapshot(clone, after, f"Template {step.old} -> {step.new}\n\n{news}".strip(), base)
    pick = ("-c", "merge.directoryRenames=false", "cherry-pick", "--no-commit", release)
    subprocess.run(["git", *pick], cwd=clone, capture_output=True)
    return Carried(clone, release, dict(settle(clone, release)))


def keep_yours(before: Path, after: Path) -> None:
    """Let the sample of the new release be that of the old one, where both have one."""
    for pattern in YOURS:
        old, new = [*before.glob(pattern)], [*after.glob(pattern)]
        if old and new:
            for path in new:
                path.unlink()
            for path in old:
                shutil.copyfile(path, after / path.relative_to(before))


def render(root: Path, folder: Path, release: str, commit: str, data: Mapping[str, str]) -> Path:
    """What a release makes of the recorded answers and of those that `data` replaces."""
    folder.mkdir()
    shutil.copyfile(root / ANSWERS, folder / ANSWERS)
    try:
        with warnings.catch_warnings(action="ignore"):
            copier.run_recopy(
                folder,
                data={**data},
                vcs_ref=commit,
                defaults=True,
                overwrite=True,
                quiet=True,
                settings=copier.Settings(),
            )
    except Exception as problem:  # copier reports many wrong values as a traceback
        said = refusal(str(problem))
        if said.startswith("answers refused: "):
            raise TemplateError(said) from None
        whole = " ".join(str(getattr(problem, "stderr", "") or said).split())
        raise TemplateError(f"{release} cannot be rendered: {whole}") from None
    return folder


def check_answers(recorded: Path, now: Path, data: Mapping[str, str]) -> None:
    """Refuse a release that replaced an answer in silence because it does not know it any more."""
    before, after = (
        dict(re.findall(r"(?m)^([a-z]\w*): (.+)$", path.read_text("utf-8")))
        for path in (recorded, now)
    )
    for name in sorted(before.keys() & after.keys()):
        if not data and before[name] != after[name]:
            raise TemplateError(
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
            (clone / name).write_text(united(clone, release, name), "utf-8", newline="\n")
            git(clone, "add", "--", name)
        else:
            yield name, WHY.get(frozenset(stages), "changed on both sides")
