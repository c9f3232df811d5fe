"""Refuse what a merge or an update left behind: marks of a conflict, rejected hunks."""

from __future__ import annotations

import subprocess
import sys

MARKS = r"^(<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|)( |$)"


def git(*words: str) -> list[str]:
    """The lines that git prints; none outside a repository."""
    return subprocess.run(["git", *words], capture_output=True, text=True).stdout.splitlines()


def main() -> int:
    """Name every place; nothing left behind is no output."""
    found = git("grep", "--untracked", "-I", "-n", "-E", "-e", MARKS)
    found += git("ls-files", "--cached", "--others", "--exclude-standard", "*.rej")
    for place in found:
        print(f"left behind by a merge: {place}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
