"""Update a rendered repository: python3 run.py update --of PROJECT [check | diff | update]

In a rendered repository, `python3 run.py template` fetches the newest release and calls this verb
of it; the options are described there (`--help`).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from extensions.update import carry, locks, project, releases
from extensions.update.carry import Carried
from extensions.update.project import git
from template.tools import template as verb
from template.tools.lock import LockError
from template.tools.template import TemplateError

CONFLICTS = 3


class Parser(argparse.ArgumentParser):
    """Options whose mistakes are one line: argparse would end with 2, as a newer release does."""

    def error(self, message: str) -> NoReturn:
        """Refuse a word."""
        raise TemplateError(f"{message}; see --help")


def parser() -> argparse.ArgumentParser:
    """The options, as `run.py template` passes them on."""
    lines = argparse.RawDescriptionHelpFormatter
    made = Parser("run.py update", description=__doc__, formatter_class=lines, allow_abbrev=False)
    made.add_argument("--of", required=True, type=Path, metavar="PROJECT")
    made.add_argument("action", nargs="?", default="check", choices=["check", "diff", "update"])
    made.add_argument("--to", default="", metavar="RELEASE")
    made.add_argument("-d", "--data", action="append", default=[], metavar="QUESTION=ANSWER")
    made.add_argument("--resolve", action="store_true")
    made.add_argument("--no-tests", action="store_true")
    return made


def main(argv: list[str]) -> int:
    """Update; whatever goes wrong ends in one line, and the project is as it was."""
    here = Path(os.environ.pop("CALLED_FROM", "."))
    try:
        asked = parser().parse_args(argv)
        root = (here / asked.of).resolve()
        os.chdir(root)
        source, name = verb.recorded(root)
        data = dict(map(answer, asked.data))
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            template = Path(folder).resolve() / "template"
            verb.fetch(source, str(template))
            at = verb.place(str(template), source, name)
            step = releases.step(template, at, asked.to, answered=bool(data))
            if asked.action == "check" or not step:
                return verb.tell(source, at)
            branch = "template-" + step.new
            project.check_clean(root)
            if asked.action == "update" and git(root, "branch", "--list", branch):
                raise TemplateError(f"there is a branch {branch}; merge or delete it first")
            clone = project.borrow(root, Path(folder).resolve())
            words = releases.news(at, step.new)
            verb.tell_step(f"rendering {step.old} and {step.new}")
            carried = carry.carry(clone, root, step, data, words)
            if asked.action == "diff":
                return diff(carried, words)
            print(words, end="\n\n" if words else "", flush=True)
            return update(carried, root, branch, resolve=asked.resolve, test=not asked.no_tests)
    except (TemplateError, LockError, OSError) as problem:
        print(f"template: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130


def answer(pair: str) -> tuple[str, str]:
    """QUESTION=ANSWER in two."""
    name, is_pair, value = pair.partition("=")
    if not is_pair:
        raise TemplateError(f"-d {pair}: not of the form QUESTION=ANSWER")
    return name, value


def diff(carried: Carried, words: str) -> int:
    """Print the change as a patch, and what needs a person; the changelog beside the patch."""
    print(words, end="\n\n" if words else "", file=sys.stderr)
    print(git(carried.clone, "diff", "--find-renames", "HEAD"), end="")
    return report(carried.conflicts)


def report(conflicts: dict[str, str]) -> int:
    """Name every file that needs a person, and why."""
    for name, why in conflicts.items():
        print(f"template: {name}: {why}")
    return CONFLICTS if conflicts else 0


def update(carried: Carried, root: Path, branch: str, *, resolve: bool, test: bool) -> int:
    """Leave the update on a branch of its own; the branch at hand stays as it is."""
    clone = carried.clone
    if carried.conflicts:
        return hand_over(carried, root, branch) if resolve else given_up(carried)
    relocked = locks.relock(clone, carried.release)
    git(clone, "add", "--all")
    if not git(clone, "status", "--porcelain"):
        print("template: nothing changes")
        return 0
    message = git(clone, "log", "-1", "--format=%B", carried.release).strip()
    git(clone, "-c", "core.hooksPath=", "commit", "--quiet", "--message", message)
    if test:
        project.lend_data(root, clone)
        verb.tell_step("testing the update in a clone, which installs what its tests need")
    if test and subprocess.run([sys.executable, "run.py", "test"], cwd=clone).returncode:
        raise TemplateError("the tests fail after the update, so nothing was changed")
    git(root, "fetch", "--quiet", str(clone), f"HEAD:refs/heads/{branch}")
    print(git(root, "diff", "--stat", "--find-renames", "HEAD", branch), end="")
    lock = "was resolved again" if relocked else "is the release's"
    print(f"template: the lock {lock}")
    print(f"template: done on a branch. Look at it, then: git merge {branch}")
    return 0


def given_up(carried: Carried) -> int:
    """Change nothing, and say how a person goes on."""
    code = report(carried.conflicts)
    print(
        "template: nothing was changed. To decide by hand: python3 run.py template update --resolve"
    )
    return code


def hand_over(carried: Carried, root: Path, branch: str) -> int:
    """Stop in the middle of a cherry-pick on a new branch; git knows the ways on and back."""
    code = report(carried.conflicts)
    before = git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    git(root, "fetch", "--quiet", str(carried.clone), carried.release)
    git(root, "switch", "--quiet", "--create", branch)
    pick = ["git", "-c", "merge.directoryRenames=false", "cherry-pick", carried.release]
    subprocess.run(pick, cwd=root, capture_output=True)
    print("template: edit and git add these files; for a lock, python3 run.py lock; then:")
    print("    git cherry-pick --continue")
    print(
        f"or back to before: git cherry-pick --abort, git switch {before}, git branch -D {branch}"
    )
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
