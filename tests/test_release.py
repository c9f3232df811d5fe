"""A release needs a new version, words for owners, and no path that vanishes on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from extensions.release import problems

from .conftest import git, snapshot
from .releases import REMOVED, RENAMED, bury, commit, replace

NEWS = "# Changelog\n\n## 0.2.0\n\n- A page on alarms.\n\nWhat you must do: nothing.\n\n## 0.1.0\n"


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """v0.1.0 is tagged; all is ready for v0.2.0."""
    source = snapshot(tmp_path / "copier-ml")
    git(source, "tag", "--delete", *git(source, "tag").split())
    git(source, "tag", "v0.1.0")
    replace(source / "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    (source / "CHANGELOG.md").write_text(NEWS, "utf-8")
    commit(source, "0.2.0")
    return source


def test_a_prepared_release_has_no_problem(next_release: Path) -> None:
    assert problems(next_release) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("pyproject.toml", '"0.2.0"', '"0.1.0"', "0.1.0 is not newer than 0.1.0"),
        ("pyproject.toml", '"0.2.0"', '"0.2"', "0.2 is not of the form 1.2.3"),
        ("CHANGELOG.md", "## 0.2.0", "## 0.3.0", "the first section must be 0.2.0"),
        ("CHANGELOG.md", "- A page on alarms.", "", "does not say what changes for owners"),
        ("CHANGELOG.md", "What you must do: nothing.", "", "does not say 'What you must do'"),
    ],
)
def test_what_is_missing_is_named(
    next_release: Path, file: str, old: str, new: str, said: str
) -> None:
    replace(next_release / file, old, new)
    commit(next_release, "broken")

    assert any(said in problem for problem in problems(next_release))


def test_a_path_that_vanishes_must_be_listed(next_release: Path) -> None:
    (next_release / "template" / REMOVED).unlink()
    git(next_release, "mv", *(f"template/{path}" for path in RENAMED))
    commit(next_release, "gone")

    assert problems(next_release) == [
        f"copier.yml: /{path} is gone; list it in _exclude" for path in (RENAMED[0], REMOVED)
    ]
    bury(next_release, REMOVED, RENAMED[0])
    commit(next_release, "listed")
    assert problems(next_release) == []


def test_the_version_of_this_repository_has_its_words() -> None:
    assert not [problem for problem in problems() if problem.startswith("CHANGELOG.md")]
