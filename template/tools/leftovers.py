"""Refuse what was left behind: marks of a conflict, rejected hunks, outputs of a notebook.

An output holds rows of the data, and would stay in the history.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
    shown = [path for path in git("ls-files", "*.ipynb") if has_outputs(Path(path))]
    for place in shown:
        print(f"outputs of cells, which hold data: {place}; python3 run.py notebook --clear")
    return 1 if found or shown else 0


def has_outputs(notebook: Path) -> bool:
    """Whether a cell was run and kept what it printed."""
    if not notebook.exists():  # deleted, and not yet committed
        return False
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
