"""What was left behind is named: marks of a conflict, rejected hunks, outputs of a notebook."""

import json
import subprocess
from pathlib import Path

import pytest

from tools import leftovers

MARK = "<" * 7


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one file, where the process stands."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "notes.md").write_text("Title\n=======\n\na <<<<<<< b\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_ordinary_text_is_no_leftover() -> None:
    assert leftovers.main() == 0


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.py", f"x = 1\n{MARK} before updating\n", "a.py:2:"),
        ("a.py.rej", "hunk\n", "a.py.rej"),
    ],
)
def test_a_leftover_is_named(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, place: str
) -> None:
    (project / name).write_text(text, encoding="utf-8")

    assert leftovers.main() == 1
    assert f"left behind by a merge: {place}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ({"outputs": [], "execution_count": None}, 0),
        ({"outputs": [{"text": "a row"}], "execution_count": None}, 1),
        ({"outputs": [], "execution_count": 3}, 1),
        ({"source": "# a title"}, 0),
    ],
)
def test_an_output_of_a_notebook_is_named_before_git_keeps_it(
    project: Path, capsys: pytest.CaptureFixture[str], cell: dict[str, object], code: int
) -> None:
    (project / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    subprocess.run(["git", "add", "a.ipynb"], check=True)

    assert leftovers.main() == code
    assert ("python3 run.py notebook --clear" in capsys.readouterr().out) == bool(code)
