"""Ask whether the template has a newer release: python run.py template

Ends with code 2 when there is one, so that a scheduled job fails and somebody looks.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ANSWERS = Path(".copier-answers.yml")
Version = tuple[int, ...]


def main(argv: list[str]) -> int:
    """Compare the recorded release with the newest one."""
    if argv:
        print(__doc__)
        return 0 if argv[0] in ("-h", "--help") else 1
    recorded = ANSWERS.read_text(encoding="utf-8") if ANSWERS.exists() else ""
    source, commit = field(recorded, "_src_path"), field(recorded, "_commit")
    if not source or not commit:
        print(f"template: {ANSWERS} does not say where this repository comes from")
        return 1
    call = ["git", "ls-remote", "--tags", "--refs", address(source)]
    listed = subprocess.run(call, capture_output=True, text=True)
    if listed.returncode:
        print(f"template: {source} cannot be reached: {listed.stderr.strip().splitlines()[-1]}")
        return 1
    newest = max(releases(listed.stdout), default=None)
    current = release(commit)
    if newest is None or (current and newest <= current):
        print(f"template: {commit} is the newest release")
        return 0
    print(f"template: {spell(newest)} is out, this is {commit}. On a clean branch: copier update")
    return 2


def address(source: str) -> str:
    """The address as git knows it; copier also takes gh:, gl: and git+ in front."""
    for short, host in (("gh:", "github.com"), ("gl:", "gitlab.com")):
        if source.startswith(short):
            path = source.removeprefix(short).removesuffix(".git")
            return f"https://{host}/{path}.git"
    return source.removeprefix("git+")


def field(answers: str, name: str) -> str:
    """A text that copier wrote into its answers file."""
    found = re.search(rf"^{name}: (.+)$", answers, re.MULTILINE)
    return found[1].strip("'\"") if found else ""


def releases(listing: str) -> list[Version]:
    """The releases among the tags that git lists; pre-releases are passed over."""
    tags = re.findall(r"refs/tags/(\S+)$", listing, re.MULTILINE)
    return [version for tag in tags if "-" not in tag and (version := release(tag))]


def release(tag: str) -> Version | None:
    """`v1.2.0` or `v1.2.0-3-gabc123` (three commits later) as (1, 2, 0)."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)+)(?:-\d+-g[0-9a-f]+)?", tag)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def spell(version: Version) -> str:
    """(1, 2, 0) as `1.2.0`."""
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
