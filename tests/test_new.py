"""python3 run.py new: with Python and git to a repository, or to one line that says why not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extensions.new import presets
from extensions.new.presets import described

from .conftest import ROOT, git, snapshot
from .conversation import ASKABLE
from .releases import commit

pytestmark = pytest.mark.xdist_group("new")
MINOR = "{}.{}".format(*sys.version_info)
OTHER = "3.12" if MINOR != "3.12" else "3.11"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as somebody has it who just typed git clone, and then asked for help."""
    made = snapshot(tmp_path_factory.mktemp("checkout") / "copier-ml")
    assert new(made, made, "--help").returncode == 0
    return made


def new(checkout: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python3 run.py new ...`, typed in another folder."""
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
        (["-d", "model"], "new: -d model: not of the form QUESTION=ANSWER"),
        (["--preset", "x"], "new: --preset x: there is no such preset; there are churn-api, "),
        (["--vcs-ref", "v0.0.0-missing"], "new: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    checkout: Path, tmp_path: Path, arguments: list[str], line: str
) -> None:
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


def test_a_destination_is_needed(checkout: Path, tmp_path: Path) -> None:
    done = new(checkout, tmp_path)

    assert done.returncode == 2
    assert "usage: python3 run.py new DESTINATION" in done.stderr


def test_the_end_of_a_copy_is_short_and_its_commands_are_those_of_this_machine(
    checkout: Path, tmp_path: Path
) -> None:
    done = new(checkout, tmp_path, "churn-scorer", "--defaults", "-d", "ground_truth=none")

    printed = done.stdout.splitlines()
    note, *more = " ".join(done.stderr.split()).split("NOTE: ")[1:]
    assert note.startswith(f"updates come from git+{ROOT.as_uri()}, a folder of this machine")
    assert not [other for other in more if "is on no branch of" not in other]
    assert len(printed) <= 14
    assert all(len(line) <= 80 for line in printed)
    assert printed[0] == "Churn scorer is in churn-scorer, with"
    assert "  Gradient boosting            more accurate on most tables" in printed
    assert any(line.startswith("WARNING: No outcome ever comes back.") for line in printed)
    name = printed[-1].split()[0]
    assert printed[-3:-1] == [
        "    cd churn-scorer",
        f"    {name} run.py up      # train, check, promote, serve",
    ]
    ran = subprocess.run(
        [name, "run.py", "--help"], cwd=tmp_path / "churn-scorer", check=True, capture_output=True
    )
    assert b"rollback" in ran.stdout


def test_quiet_says_nothing_and_verbose_names_the_files(checkout: Path, tmp_path: Path) -> None:
    quiet = new(checkout, tmp_path, "one", "--defaults", "-q")
    verbose = new(checkout, tmp_path, "two", "--defaults", "--verbose")

    assert quiet.stdout + quiet.stderr == ""
    assert "create" in verbose.stderr
    assert "contract.toml" in verbose.stderr


def test_the_first_commit_holds_everything_that_was_made(checkout: Path, tmp_path: Path) -> None:
    done = new(checkout, tmp_path, "churn", "--defaults")

    project = tmp_path / "churn"
    assert git(project, "status", "--porcelain") == ""
    short = git(project, "rev-parse", "--short", "HEAD").strip()
    assert f"First commit: {short}." in done.stdout
    assert git(project, "log", "--format=%an: %s") == "Tester: Churn, from copier-ml v99.0.0\n"


def test_inside_another_repository_nothing_is_committed(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")

    done = new(checkout, tmp_path, "churn", "--defaults")
    asked = new(checkout, tmp_path, "second", "--defaults", "--commit")

    assert done.returncode == 0
    assert f"No first commit: churn is inside the repository {tmp_path}." in " ".join(
        done.stdout.split()
    )
    assert not (tmp_path / "churn/.git").exists()
    assert asked.returncode == 1
    assert "no first commit is possible: second is inside the repository" in asked.stderr
    assert not (tmp_path / "second").exists()


def test_without_an_identity_git_is_left_alone_and_the_way_out_is_said(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").write_text(
        "[user]\nuseConfigOnly = true\n[safe]\ndirectory = *\n", "utf-8"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))

    done = new(checkout, tmp_path, "churn", "--defaults")

    assert done.returncode == 0, done.stderr
    assert "git config --global user.name NAME" in " ".join(done.stdout.split())
    assert not (tmp_path / "churn/.git").exists()


def test_no_commit_where_none_is_wanted(checkout: Path, tmp_path: Path) -> None:
    done = new(checkout, tmp_path, "churn", "--defaults", "--no-commit")

    assert "No first commit" in done.stdout
    assert not (tmp_path / "churn/.git").exists()


def test_a_file_in_the_way_is_refused_before_anything_is_written(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn/run.py").write_text("mine\n", "utf-8")

    refused = new(checkout, tmp_path, "churn", "--defaults")
    forced = new(checkout, tmp_path, "churn", "--defaults", "--overwrite")

    assert refused.returncode == 1
    assert "churn has files of the same name (run.py); nothing was written" in refused.stderr
    assert "python3 run.py adopt churn" in refused.stderr
    assert forced.returncode == 0, forced.stderr
    assert "holds files already" in forced.stdout
    assert (tmp_path / "churn/run.py").read_text("utf-8") != "mine\n"
    again = new(checkout, tmp_path, "churn", "--defaults")
    assert again.returncode == 1
    assert "churn is a repository of this template already" in again.stderr
    assert "template update" in again.stderr


@pytest.mark.parametrize("name", described())
def test_a_preset_renders_without_a_question(checkout: Path, tmp_path: Path, name: str) -> None:
    done = new(checkout, tmp_path, "churn", "--preset", name, "-d", "owner=Ada")

    assert done.returncode == 0, done.stderr
    recorded = answered(tmp_path / "churn")
    assert recorded["owner"] == "Ada"
    assert presets.answers(name).items() <= recorded.items()


def test_help_lists_presets_questions_and_options(checkout: Path, tmp_path: Path) -> None:
    done = new(checkout, tmp_path, "--help")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert all(len(line) <= 80 for line in lines)
    for name in [*ASKABLE, *described(), "--data-file", "--verbose", "--no-commit"]:
        assert re.search(rf"(?m)^    (-\w, )?{name}(?: |$)", done.stdout), name
    assert "    tracking          files | mlflow | wandb  (recommended)" in lines


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
