"""Newer releases of the template: python run.py template [check | diff | update]

check     is there one? Ends with code 2 if so. This is what happens without a word
diff      what an update would change here, and where it needs a person
update    make that change: a new branch with one commit, tested; or nothing
          --resolve   where an update needs a person: stop in the middle, as git cherry-pick does
          --no-tests  leave out the tests

--to RELEASE         another release than the newest
-d QUESTION=ANSWER   answer differently from now on; also without a newer release
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import lock, upgrade
from tools.releases import address, field, news, release, releases

ANSWERS = Path(upgrade.ANSWERS)
CONFLICTS = 3


def main(argv: list[str]) -> int:
    """Find the release that is meant, and do what is asked with it."""
    parser = argparse.ArgumentParser(prog="run.py template", add_help=False, exit_on_error=False)
    parser.add_argument("action", nargs="?", default="check", choices=["check", "diff", "update"])
    parser.add_argument("--to", default="")
    parser.add_argument("-d", "--data", action="append", default=[])
    parser.add_argument("--resolve", action="store_true")
    parser.add_argument("--no-tests", action="store_true")
    if {"-h", "--help"} & {*argv}:
        print(__doc__)
        return 0
    try:
        asked = parser.parse_args(argv)
        recorded, release = which(asked.to, bool(asked.data))
        if asked.action == "check" or release is None:
            return check(recorded, release)
        with tempfile.TemporaryDirectory(prefix="template-", ignore_cleanup_errors=True) as folder:
            branch, root = "template-" + release, Path.cwd()
            upgrade.check_clean(root)
            if asked.action == "update" and upgrade.git(root, "branch", "--list", branch):
                raise upgrade.UpgradeError(f"there is a branch {branch}; merge or delete it first")
            clone = upgrade.borrow(root, Path(folder).resolve())
            words = news(clone, field(ANSWERS.read_text("utf-8"), "_src_path"), recorded, release)
            carried = upgrade.carry(clone, root, recorded, release, asked.data, words)
            if asked.action == "diff":
                return diff(carried, words)
            print(words, end="\n\n" if words else "")
            return update(carried, branch, resolve=asked.resolve, test=not asked.no_tests)
    except (upgrade.UpgradeError, lock.LockError, argparse.ArgumentError, OSError) as error:
        print(f"template: {error}")
        return 1


def which(to: str, answered: bool) -> tuple[str, str | None]:
    """The recorded release, and the one to go to: none if there is nothing to do."""
    recorded = ANSWERS.read_text(encoding="utf-8") if ANSWERS.exists() else ""
    source, commit = field(recorded, "_src_path"), field(recorded, "_commit")
    if not source or not commit:
        raise upgrade.UpgradeError(f"{ANSWERS} does not say where this repository comes from")
    call = ["git", "ls-remote", "--tags", "--refs", address(source)]
    listed = subprocess.run(call, capture_output=True, text=True)
    if listed.returncode:
        why = listed.stderr.strip().splitlines()[-1]
        raise upgrade.UpgradeError(f"{source} cannot be reached: {why}")
    tags = {version: tag for tag, version in releases(listed.stdout).items()}
    newest, current = max(tags, default=None), release(commit)
    if to and f"refs/tags/{to}\n" not in listed.stdout + "\n":
        newest_tag = tags[newest] if newest else "none"
        raise upgrade.UpgradeError(f"there is no release {to}; the newest is {newest_tag}")
    if to:
        return commit, to
    if newest is None or (current and newest <= current):
        return commit, commit if answered else None
    return commit, tags[newest]


def check(recorded: str, release: str | None) -> int:
    """Say whether there is a newer release."""
    if release is None:
        print(f"template: {recorded} is the newest release")
        return 0
    newer = release.removeprefix("v")
    print(f"template: {newer} is out, this is {recorded}. Next: python run.py template diff")
    return 2


def diff(carried: upgrade.Carried, words: str) -> int:
    """Print the change as a patch, and what needs a person; the changelog beside the patch."""
    print(words, end="\n\n" if words else "", file=sys.stderr)
    print(upgrade.git(carried.clone, "diff", "--find-renames", "HEAD"), end="")
    return report(carried.conflicts)


def report(conflicts: dict[str, str]) -> int:
    """Name every file that needs a person, and why."""
    for name, why in conflicts.items():
        print(f"template: {name}: {why}")
    return CONFLICTS if conflicts else 0


def update(carried: upgrade.Carried, branch: str, *, resolve: bool, test: bool) -> int:
    """Leave the update on a branch of its own; the branch at hand stays as it is."""
    root, clone = Path.cwd(), carried.clone
    if carried.conflicts:
        return hand_over(carried, branch) if resolve else given_up(carried)
    relocked = upgrade.relock(carried)
    upgrade.git(clone, "add", "--all")
    if not upgrade.git(clone, "status", "--porcelain"):
        print("template: nothing changes")
        return 0
    message = upgrade.git(clone, "log", "-1", "--format=%B", carried.release).strip()
    upgrade.git(clone, "-c", "core.hooksPath=", "commit", "--quiet", "--message", message)
    if test and subprocess.run([sys.executable, "run.py", "test"], cwd=clone).returncode:
        raise upgrade.UpgradeError("the tests fail after the update, so nothing was changed")
    upgrade.git(root, "fetch", "--quiet", str(clone), f"HEAD:refs/heads/{branch}")
    print(upgrade.git(root, "diff", "--stat", "--find-renames", "HEAD", branch), end="")
    print(
        "template: the lock was resolved again"
        if relocked
        else "template: the lock is the release's"
    )
    print(f"template: done on a branch. Look at it, then: git merge {branch}")
    return 0


def given_up(carried: upgrade.Carried) -> int:
    """Change nothing, and say how a person goes on."""
    code = report(carried.conflicts)
    print(
        "template: nothing was changed. To decide by hand: python run.py template update --resolve"
    )
    return code


def hand_over(carried: upgrade.Carried, branch: str) -> int:
    """Stop in the middle of a cherry-pick on a new branch; git knows the ways on and back."""
    root, code = Path.cwd(), report(carried.conflicts)
    before = upgrade.git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    upgrade.git(root, "fetch", "--quiet", str(carried.clone), carried.release)
    upgrade.git(root, "switch", "--quiet", "--create", branch)
    pick = ["git", "-c", "merge.directoryRenames=false", "cherry-pick", carried.release]
    subprocess.run(pick, cwd=root, capture_output=True)
    print("template: edit and git add these files; for a lock, python run.py lock; then:")
    print("    git cherry-pick --continue")
    print(
        f"or back to before: git cherry-pick --abort, git switch {before}, git branch -D {branch}"
    )
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
