"""python3 run.py new: with Python and git to a repository, or to one line that says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extensions.new import answers_minor

from .conftest import ROOT, git, snapshot
from .releases import commit

pytestmark = pytest.mark.xdist_group("new")
MINOR = "{}.{}".format(*sys.version_info)
OTHER = "3.12" if MINOR != "3.12" else "3.11"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as somebody has it who just typed git clone."""
    return snapshot(tmp_path_factory.mktemp("checkout") / "copier-ml")


def new(checkout: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python3 run.py new ...`, typed in another folder; the first call makes the environment."""
    call = [sys.executable, str(checkout / "run.py"), "new", *arguments]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def answered(project: Path) -> dict[str, object]:
    """The answers that a copy recorded."""
    found: dict[str, object] = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    return found


def test_a_relative_destination_is_seen_from_where_the_user_stands(
    checkout: Path, tmp_path: Path
) -> None:
    done = new(checkout, tmp_path, "churn", "--defaults", "-d", "model=linear")

    assert done.returncode == 0, done.stderr
    recorded = answered(tmp_path / "churn")
    assert recorded["model"] == "linear"
    assert recorded["python_minor"] == MINOR
    assert recorded["_src_path"] == f"git+{ROOT.as_uri()}"
    assert recorded["_commit"] == "v99.0.0"


def test_the_python_that_was_asked_for_wins(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "given.yml").write_text(f"python_minor: '{OTHER}'\n", encoding="utf-8")

    new(checkout, tmp_path, "one", "--defaults", "-d", f"python_minor={OTHER}")
    new(checkout, tmp_path, "two", "--defaults", "--data-file", "given.yml")

    assert [answered(tmp_path / n)["python_minor"] for n in ("one", "two")] == [OTHER, OTHER]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-d", "model=xgboost"], "answers refused: model=xgboost: valid values: linear, boosting"),
        (["-d", 'owner=it\'s "x"', "-d", "ci=x"], "answers refused: ci=x: valid values: github"),
        (["-d", "guard=x"], "answers refused: guard=x: there is no such question"),
        (["--data-file", "missing.yml"], "new: --data-file: there is no file missing.yml"),
        (["--vcs-ref", "v0.0.0-missing"], "new: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    checkout: Path, tmp_path: Path, arguments: list[str], line: str
) -> None:
    new(checkout, tmp_path, "--help")  # so that the environment is there

    done = new(checkout, tmp_path, "churn", "--defaults", *arguments)

    assert done.returncode != 0
    printed = done.stderr.strip().splitlines()
    assert len(printed) == 1, done.stderr
    assert printed[0].startswith(line)
    assert not (tmp_path / "churn").exists()


def test_no_terminal_and_no_defaults_is_said(checkout: Path, tmp_path: Path) -> None:
    call = [sys.executable, str(checkout / "run.py"), "new", "churn"]
    done = subprocess.run(
        call, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "--defaults" in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("arguments", [[], ["--defaults", "churn"]])
def test_a_destination_is_needed(checkout: Path, tmp_path: Path, arguments: list[str]) -> None:
    done = new(checkout, tmp_path, *arguments)

    assert done.returncode == 2
    assert "usage: python3 run.py new DESTINATION" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["-d", "python_minor=3.12"], True),
        (["--data=python_minor=3.12"], True),
        (["-d", "model=linear"], False),
        (["--data-file", "none.yml"], False),
        (["--data-file"], False),
    ],
)
def test_an_answer_to_the_python_question_is_recognised(arguments: list[str], known: bool) -> None:
    assert answers_minor(arguments) is known


def test_the_other_verb_of_this_kind_moves_a_repository_onto_the_template(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/mine.py").write_text("MINE = 1\n", "utf-8")
    git(tmp_path / "old", "init", "--quiet")
    commit(tmp_path / "old", "mine")

    call = [sys.executable, str(checkout / "run.py"), "adopt", "old", "-d", "project_name=Old"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    git(tmp_path / "old", "switch", "--quiet", "copier-ml")
    recorded = answered(tmp_path / "old")
    assert recorded["_src_path"] == f"git+{ROOT.as_uri()}"
    assert recorded["_commit"] == "v99.0.0"
    (checkout / "new.txt").touch()
    git(tmp_path / "old", "switch", "--quiet", "main")
    git(tmp_path / "old", "branch", "-D", "copier-ml")
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    (checkout / "new.txt").unlink()
    assert done.returncode == 1
    assert "has uncommitted changes" in done.stderr
