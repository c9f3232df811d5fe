"""The other door: cookiecutter and cruft give the repository that Copier gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import git
from .releases import NEXT, NOW, commit, publish, render_at, tree

ENGINES = (".copier-answers.yml", ".cruft.json")
GIVEN = {"project_name": "Churn demo", "answers": "model=linear ci=gitlab"}
ANSWERS = {
    "project_name": "Churn demo",
    "model": "linear",
    "ci": "gitlab",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template whose main branch is at NOW; NEXT is only a tag."""
    target = publish(tmp_path_factory.mktemp("cruft") / "copier-ml")
    git(target, "checkout", "--quiet", "-B", "main", NOW)
    return target


def engine(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Cookiecutter or cruft, asked nothing."""
    call = [sys.executable, "-W", "ignore", "-m", *words]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def own(folder: Path) -> dict[str, str]:
    """Every file but those of the engines."""
    return {name: text for name, text in tree(folder).items() if name not in ENGINES}


def test_cookiecutter_gives_the_same_repository(source: Path, tmp_path: Path) -> None:
    words = [f"{name}={value}" for name, value in GIVEN.items()]

    done = engine(tmp_path, "cookiecutter", "--no-input", str(source), *words)

    assert done.returncode == 0, done.stderr
    expected = render_at(source, NOW, tmp_path / "copier", ANSWERS)
    assert own(tmp_path / "churn-demo") == own(expected)


def test_a_wrong_answer_leaves_nothing(source: Path, tmp_path: Path) -> None:
    done = engine(tmp_path, "cookiecutter", "--no-input", str(source), "answers=model=nope")

    assert done.returncode != 0
    assert "model=nope: valid values" in done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


def test_cruft_creates_checks_and_updates(source: Path, tmp_path: Path) -> None:
    extra = '{"project_name": "Churn demo", "answers": "model=linear ci=gitlab"}'
    done = engine(tmp_path, "cruft", "create", "-y", str(source), "--extra-context", extra)
    assert done.returncode == 0, done.stdout + done.stderr
    project = tmp_path / "churn-demo"
    assert own(project) == own(render_at(source, NOW, tmp_path / "copier", ANSWERS))
    git(project, "init", "--quiet")
    commit(project, "as made")

    assert engine(project, "cruft", "check").returncode == 0
    assert engine(project, "cruft", "diff", "-e").returncode == 0
    git(source, "checkout", "--quiet", "-B", "main", NEXT)
    assert engine(project, "cruft", "check").returncode == 1
    done = engine(project, "cruft", "update", "-y")

    assert done.returncode == 0, done.stdout + done.stderr
    assert own(project) == own(render_at(source, NEXT, tmp_path / "later", ANSWERS))
