"""A release needs a new version, words for owners, and no path that vanishes on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from extensions.release import main, make, problems, promised
from template.tools.template import place, releases

from .conftest import ROOT, git, snapshot
from .releases import LATER, NEXT, NOW, REMOVED, TABULAR, bring, bury, commit, replace

OLD, NEW = (name.removeprefix("v") for name in (NOW, NEXT))
NEWS = f"# Changelog\n\n## {NEW}\n\n- A page on alarms.\n\nWhat you must do: nothing.\n\n## {OLD}\n"


@pytest.fixture(params=[True, False], ids=["tagged", "untagged"])
def next_release(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """NOW is released; all is ready for NEXT."""
    source = snapshot(tmp_path / "copier-ml")
    git(source, "tag", "--delete", *git(source, "tag").split())
    shutil.rmtree(source / "releases", ignore_errors=True)
    commit(source, "nothing is released yet")
    make(source, tag=request.param)
    bring(source, NEXT)
    (source / "CHANGELOG.md").write_text(NEWS, "utf-8")
    commit(source, NEW)
    return source


def test_a_prepared_release_has_no_problem(next_release: Path) -> None:
    assert problems(next_release) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("pyproject.toml", f'"{NEW}"', f'"{OLD}"', f"{OLD} is not newer than {OLD}"),
        ("pyproject.toml", f'"{NEW}"', '"0.2"', "0.2 is not of the form 1.2.3"),
        ("CHANGELOG.md", f"## {NEW}", f"## {LATER[1:]}", f"the first section must be {NEW}"),
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
    gone = "docs/explanations.md"
    (next_release / "template" / REMOVED).unlink()
    git(next_release, "mv", *(f"template/{TABULAR}/{path}" for path in (gone, "docs/reasons.md")))
    commit(next_release, "gone")

    assert problems(next_release) == [
        f"copier.yml: /{path} is gone; list it in _exclude" for path in (gone, REMOVED)
    ]
    bury(next_release, REMOVED, gone)
    commit(next_release, "listed")
    assert problems(next_release) == []


def test_a_release_is_a_commit_that_adds_its_paths(
    next_release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tagged = bool(git(next_release, "tag"))

    assert main([], next_release) == 0
    assert "fit to be released" in capsys.readouterr().out
    assert main(["--make", *["--no-tag"] * (not tagged)], next_release) == 0
    commit(next_release, "later")

    assert git(next_release, "tag").split() == [NOW, NEXT] * tagged
    listed = (next_release / f"releases/{NEW}.txt").read_text("utf-8").split("\n")
    assert listed == [*promised(next_release), ""]
    assert {"/run.py", "/src/app/model.py", "/.copier-answers.yml"} <= {*listed}
    head = git(next_release, "rev-parse", "HEAD~1").strip()
    assert releases(str(next_release))[NEXT] == head
    here = place(str(next_release), "here", "HEAD")
    assert (str(here), here.newer) == (f"1 commit after {NEXT}", "")
    said = capsys.readouterr().out
    assert (f"git tag --annotate {NEXT}" in said) is not tagged
    assert main(["--make"], next_release) == 1
    assert f"{NEW} is not newer than {NEW}" in capsys.readouterr().out


def test_a_tag_made_by_hand_promises_nothing_and_is_refused(next_release: Path) -> None:
    git(next_release, "tag", "v0.0.5")

    assert problems(next_release) == [
        "releases/0.0.5.txt is missing: v0.0.5 was tagged without release --make"
    ]


def test_no_path_that_was_released_has_gone_in_silence() -> None:
    assert not [problem for problem in problems() if problem.startswith(("copier.yml", "releases"))]
    assert "/run.py" in promised(ROOT)


def test_the_version_of_this_repository_has_its_words() -> None:
    assert not [problem for problem in problems() if problem.startswith("CHANGELOG.md")]
