"""python3 run.py release [--make [--no-tag]]: is this commit fit to be released? Release it.

A release is a commit that adds releases/VERSION.txt, the paths that a repository may have received
from it and that no later release may take away in silence; and a tag on it, unless --no-tag says
that none can be made here. Updates find it either way.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from template.tools.template import ANSWERS, newest, releases, version

ROOT = Path(__file__).resolve().parent.parent
OPTION = re.compile(r"^template/(?:\{\{ use\.\w+ \}\}/)*")
LOOP = re.compile(r"\{% yield .*%\}")


def git(root: Path, *words: str) -> str:
    """What git prints."""
    return subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True
    ).stdout


def rendered(listing: Iterable[str]) -> set[str]:
    """Where the files of the template end up, as patterns of _exclude."""
    found = set()
    for name in filter(OPTION.match, listing):
        path = OPTION.sub("/", name).removesuffix(".jinja")
        found.add(LOOP.sub("*", path).replace("{{ _copier_conf.answers_file }}", ANSWERS))
    return found


def promised(root: Path, commit: str = "") -> list[str]:
    """Where every file of the template ends up, today or as of a commit; in order."""
    call = ("ls-tree", "-rz", "--name-only", commit) if commit else ("ls-files", "-z")
    return sorted(rendered(git(root, *call).split("\0")))


def lost(root: Path) -> list[str]:
    """Paths of earlier releases that an update would delete, edits and all."""
    copier = (root / "copier.yml").read_text("utf-8").partition("\n_exclude:")[2]
    kept = set(re.findall(r'(?m)^  - "(/[^"]+)"$', copier))
    before = [path.read_text("utf-8").splitlines() for path in root.glob("releases/*.txt")]
    return sorted(set().union(*before) - {*promised(root)} - kept)


def problems(root: Path = ROOT) -> list[str]:
    """Everything that stands in the way of the release."""
    number = wanted(root)
    news = (root / "CHANGELOG.md").read_text("utf-8")
    sections = dict(re.findall(r"(?ms)^## (\S+)[^\n]*\n(.*?)(?=^## |\Z)", news))
    known = releases(str(root))
    latest = newest(known)
    found = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", number):
        found.append(f"pyproject.toml: {number} is not of the form 1.2.3")
    elif version(number) <= version(latest):
        found.append(f"pyproject.toml: {number} is not newer than {latest.removeprefix('v')}")
    if next(iter(sections), "") != number:
        found.append(f"CHANGELOG.md: the first section must be {number}")
    if not re.search(r"(?m)^- \S", sections.get(number, "")):
        found.append(f"CHANGELOG.md: {number} does not say what changes for owners")
    if latest and "What you must do" not in sections.get(number, ""):
        found.append(f"CHANGELOG.md: {number} does not say 'What you must do' (it may be: nothing)")
    for tag in sorted(known, key=version):
        if version(tag) and not (root / record(tag)).exists():
            found.append(f"{record(tag)} is missing: {tag} was tagged without release --make")
    found += [f"copier.yml: {path} is gone; list it in _exclude" for path in lost(root)]
    if git(root, "status", "--porcelain"):
        found.append("there are uncommitted changes")
    return found


def wanted(root: Path) -> str:
    """The version that pyproject.toml names."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def record(tag: str) -> str:
    """The file that stands for a release, with or without a tag: the paths it promises."""
    return f"releases/{tag.removeprefix('v')}.txt"


def make(root: Path, *, tag: bool) -> str:
    """Commit the release, and tag that commit if asked to; returns its name."""
    name = "v" + wanted(root)
    file = root / record(name)
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{path}\n" for path in promised(root)), "utf-8", newline="\n")
    git(root, "add", "--", record(name))
    git(root, "commit", "--quiet", "--message", f"Release {name.removeprefix('v')}")
    if tag:
        git(root, "tag", "--annotate", name, "--message", name)
    return name


def main(argv: list[str], root: Path = ROOT) -> int:
    """Name what is missing, or say how the release is made, or make it."""
    if argv not in ([], ["--make"], ["--make", "--no-tag"]):
        print(__doc__)
        return 0 if argv[0] in ("-h", "--help") else 2
    name = "v" + wanted(root)
    commit = releases(str(root)).get(name)
    if commit and not argv:
        return released(root, name, commit)
    if found := problems(root):
        print("\n".join(f"release: {problem}" for problem in found))
        return 1
    if not argv:
        print("release: fit to be released: python3 run.py release --make [--no-tag]")
        return 0
    try:
        make(root, tag="--no-tag" not in argv)
    except subprocess.CalledProcessError as problem:
        print(f"release: git {problem.cmd[1]} failed: {' '.join(problem.stderr.split())}")
        return 1
    return released(root, name, releases(str(root))[name])


def released(root: Path, name: str, commit: str) -> int:
    """Say what stands for this release, and what is left to do by hand."""
    tagged = git(root, "tag", "--list", name).strip()
    print(f"release: {name} is commit {commit[:10]}: {record(name)}{' and a tag' * bool(tagged)}")
    if not tagged:
        words = f"git tag --annotate {name} --message {name} {commit[:10]}"
        print(f"release: where tags can be made: {words}")
    print(f"release: to the origin: git push origin HEAD {name * bool(tagged)}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
