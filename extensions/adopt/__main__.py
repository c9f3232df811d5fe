"""Move a project onto this template: python3 run.py adopt PROJECT [options]

Makes one commit on a new branch of PROJECT and a report, docs/adoption.md; or nothing. A project
of cruft is known by its .cruft.json. For one of cookiecutter say what it was made from, with
--from, --at and --context, or which of its commits holds what cookiecutter made, with --base.
Any other repository keeps all it has, and the template's files come beside.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from extensions.adopt import answers, hand, merge, origin, render, report
from extensions.adopt.trees import AdoptError, Tree, content, git, read, snapshot, store, write

READ = ("pyproject.toml", "setup.py", "README.md", "LICENSE", ".python-version")


def parser() -> argparse.ArgumentParser:
    """The options of the verb."""
    lines = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser("run.py adopt", description=__doc__, formatter_class=lines)
    made.add_argument("project", help="the folder of a git repository")
    made.add_argument("-d", "--data", action="append", default=[], metavar="QUESTION=ANSWER")
    made.add_argument("--branch", default="copier-ml", help="the new branch (copier-ml)")
    made.add_argument("--from", dest="template", default="", help="the cookiecutter template")
    made.add_argument("--at", default="", help="its commit, tag or branch of then")
    made.add_argument(
        "--context", action="append", default=[], metavar="NAME=VALUE|FILE",
        help="what cookiecutter was told then, or a file of ~/.cookiecutter_replay",
    )  # fmt: skip
    made.add_argument("--base", default="", help="the project's commit that cookiecutter made")
    made.add_argument("--trust", action="store_true", help="run the old template's hooks")
    made.add_argument("--source", default="", help="this template's address; else this checkout")
    made.add_argument("--release", default="", help="which release of it; else its newest")
    return made


def main(argv: list[str]) -> int:
    """Adopt; whatever goes wrong ends in one line, and the project is as it was."""
    asked = parser().parse_args(argv)
    os.chdir(os.environ.get("CALLED_FROM", "."))
    try:
        project = check(Path(asked.project), asked.branch)
        with tempfile.TemporaryDirectory(prefix="adopt-", ignore_cleanup_errors=True) as folder:
            clone = copy(project, Path(folder).resolve() / "clone")
            story, commit = adopt(clone, asked)
            git(
                project,
                "fetch",
                "--quiet",
                "--no-tags",
                str(clone),
                f"{commit}:refs/heads/{asked.branch}",
            )
    except (AdoptError, OSError) as problem:
        print(f"adopt: {problem}", file=sys.stderr)
        return 1
    print(report.told(story, asked.branch))
    return 0


def check(project: Path, branch: str) -> Path:
    """Refuse to begin where work could be lost or the result could not be kept."""
    if not project.is_dir():
        raise AdoptError(f"there is no folder {project}")
    try:
        top = Path(git(project, "rev-parse", "--show-toplevel")).resolve()
    except AdoptError:
        raise AdoptError(f"{project} is not a git repository with files: git init") from None
    if top != project.resolve():
        raise AdoptError(f"{project} is a part of the repository {top}")
    try:
        git(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except AdoptError:
        raise AdoptError(f"{project} has no commit yet: git commit") from None
    try:
        git(top, "symbolic-ref", "--quiet", "HEAD")
    except AdoptError:
        raise AdoptError(f"{project} is on no branch: git switch BRANCH") from None
    if dirty := git(top, "status", "--porcelain").splitlines():
        more = f" and {len(dirty) - 1} more differ" if dirty[1:] else " differs"
        raise AdoptError(f"commit or stash first: {dirty[0][2:].strip()}{more}")
    if (top / render.ANSWERS).exists():
        already = f"{project} is a Copier project already ({render.ANSWERS})"
        raise AdoptError(f"{already}; of this template: python3 run.py template update")
    git(top, "check-ref-format", "--branch", branch)
    if git(top, "branch", "--list", branch):
        raise AdoptError(f"there is a branch {branch} already; merge, delete or name another")
    git(top, "var", "GIT_COMMITTER_IDENT")
    return top


def copy(project: Path, clone: Path) -> Path:
    """A clone that borrows the project's objects and its identity; no file of it is written."""
    git(clone.parent, "clone", "--quiet", "--shared", "--no-checkout", str(project), str(clone))
    for name in ("user.name", "user.email"):
        if value := git(project, "config", "--default", "", name):
            git(clone, "config", name, value)
    return clone


def adopt(clone: Path, asked: argparse.Namespace) -> tuple[report.Story, str]:
    """The commit, in the clone, and what there is to tell about it."""
    head = git(clone, "rev-parse", "HEAD")
    theirs = read(clone, head)
    how = origin.Asked(asked.template, asked.at, tuple(asked.context), asked.base, asked.trust)
    old = origin.find(clone, theirs, how)
    files = texts(clone, theirs)
    found = [*answers.from_context(old.context, old.defaults)]
    found += answers.from_files(files, {*theirs})
    stay = {path for path in theirs if not merge.same(clone, old.base.get(path), theirs[path])}
    render.refuse_clash(stay)
    source = render.source(asked.source, asked.release)
    name = Path(asked.project).resolve().name or "project"
    made = render.render(source, clone.parent, name, found, asked.data)
    trees = merge.Trees(clone, old.base, theirs, snapshot(clone, made.folder))
    outcomes = dict(merge.merge(trees))
    tree = {path: it.entry for path, it in outcomes.items() if it.entry}
    yours = [path for path, it in outcomes.items() if it.kind in ("yours", "edited")]
    gone = [path for path, it in outcomes.items() if it.kind == "gone"]
    lock = content(clone, trees.ours.get("requirements.lock")).decode()
    hands = [(path, it.hand) for path, it in outcomes.items() if it.hand]
    hands += hand.left(clone, write(clone, tree), yours, gone, files, lock)
    hands.sort()
    notes = (*old.notes, *made.notes)
    story = report.Story(old.words, head, made.release, made.answers, outcomes, hands, notes)
    tree[report.PAGE] = store(clone, report.page(story).encode())
    message = f"Adopt copier-ml {made.release}\n\nFrom {old.words}. Report: {report.PAGE}"
    words = ("commit-tree", write(clone, tree), "-p", head, "-m", message)
    return story, git(clone, *words)


def texts(clone: Path, theirs: Tree) -> answers.Files:
    """What the files say that tell about the project or its packages."""
    wanted = [path for path in theirs if path in READ or path.startswith("requirements")]
    return {path: content(clone, theirs[path]).decode(errors="replace") for path in wanted}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
