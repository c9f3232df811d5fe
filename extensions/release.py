"""python3 run.py release: is this commit fit to be tagged? The tag itself is made by hand."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTION = re.compile(r"^template/(?:\{\{ use\.\w+ \}\}/)*")
LOOP = re.compile(r"\{% yield .*%\}")
RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


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
        found.add(LOOP.sub("*", path).replace("{{ _copier_conf", "{{"))
    return found


def lost(root: Path, tags: list[str]) -> list[str]:
    """Paths of earlier releases that an update would delete, edits and all."""
    now = rendered(git(root, "ls-files", "-z").split("\0"))
    listed = (root / "copier.yml").read_text("utf-8").partition("\n_exclude:")[2]
    kept = set(re.findall(r'(?m)^  - "(/[^"]+)"$', listed))
    before = [rendered(git(root, "ls-tree", "-rz", "--name-only", t).split("\0")) for t in tags]
    return sorted(set().union(*before) - now - kept)


def problems(root: Path = ROOT) -> list[str]:
    """Everything that stands in the way of the release."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    news = (root / "CHANGELOG.md").read_text("utf-8")
    sections = dict(re.findall(r"(?ms)^## (\S+)[^\n]*\n(.*?)(?=^## |\Z)", news))
    tags = [tag for tag in git(root, "tag").split() if RELEASE.fullmatch(tag)]
    newest = max((tuple(map(int, tag[1:].split("."))) for tag in tags), default=(0, 0, 0))
    found = []
    if not RELEASE.fullmatch("v" + version):
        found.append(f"pyproject.toml: {version} is not of the form 1.2.3")
    elif tuple(map(int, version.split("."))) <= newest:
        found.append(f"pyproject.toml: {version} is not newer than {'.'.join(map(str, newest))}")
    if next(iter(sections), "") != version:
        found.append(f"CHANGELOG.md: the first section must be {version}")
    if not re.search(r"(?m)^- \S", sections.get(version, "")):
        found.append(f"CHANGELOG.md: {version} does not say what changes for owners")
    if newest > (0, 0, 0) and "What you must do" not in sections.get(version, ""):
        found.append(
            f"CHANGELOG.md: {version} does not say 'What you must do' (it may be: nothing)"
        )
    found += [f"copier.yml: {path} is gone; list it in _exclude" for path in lost(root, tags)]
    if git(root, "status", "--porcelain"):
        found.append("there are uncommitted changes")
    return found


def main(argv: list[str]) -> int:
    """Name what is missing, or say how the tag is made."""
    if argv:
        print(__doc__)
        return 0 if argv[0] in ("-h", "--help") else 2
    if found := problems():
        print("\n".join(f"release: {problem}" for problem in found))
        return 1
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    print(f"release: fit to be tagged: git tag --annotate v{version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
