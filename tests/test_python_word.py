"""Files say `python3 run.py`; on a terminal stands the word that starts Python there."""

from __future__ import annotations

import re

from .conftest import ROOT, git

OTHER = re.compile(r"(?<![\w.])(python|py) run\.py")
MAY = {"tests/test_python_word.py", "template/.vscode/tasks.json.jinja"}  # a task for Windows


def test_every_file_says_python3() -> None:
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    found = [
        f"{name}:{number}"
        for name in filter(None, names)
        if name not in MAY and (ROOT / name).is_file()
        for number, line in enumerate(
            (ROOT / name).read_text("utf-8", errors="ignore").splitlines(), 1
        )
        if OTHER.search(line)
    ]

    assert found == []
