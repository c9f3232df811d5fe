"""Wrong answers are refused in one line: question, value, valid values; nothing is written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import copier
import pytest
import yaml
from copier.errors import UserMessageError

from .conftest import Render, git, render_to
from .conversation import ASKABLE, CHOICES, QUESTIONS, Answers, needed

REFUSED: dict[str, tuple[Answers, list[str]]] = {
    "unknown option": ({"model": "xgboost"}, ["model=xgboost", "linear, boosting"]),
    "unknown choice": ({"licence": "gpl"}, ["licence=gpl", "mit, apache, proprietary"]),
    "unknown Python": ({"python_minor": "3.10"}, ["python_minor=3.10", "3.11, 3.12, 3.13"]),
    "unknown question": (
        {"modle": "linear"},
        ["modle=linear", "no such question", "model, monitoring"],
    ),
    "not a number": ({"p99_ms": "fast"}, ["p99_ms=fast", "whole numbers from 1 to 60000"]),
    "a fraction": ({"p99_ms": 1.5}, ["p99_ms=1.5", "whole numbers"]),
    "a truth for a number": ({"p99_ms": True}, ["p99_ms=True", "whole numbers"]),
    "too small": ({"peak_rps": "0"}, ["peak_rps=0", "from 1 to 1000000"]),
    "too large": ({"ground_truth_days": "99999"}, ["ground_truth_days=99999", "0 to 3650"]),
    "neither yes nor no": ({"personal_data": "maybe"}, ["personal_data=maybe", "yes, no"]),
    "more than yes or no": ({"engine_tests": "some"}, ["engine_tests=some", "yes, no"]),
    "a list for a choice": ({"model": ["linear"]}, ["model=", "one value"]),
    "nothing for a text": ({"owner": None}, ["owner=None", "one value"]),
    "an empty text": ({"owner": " "}, ["owner=", "empty"]),
    "a line break": ({"description": "one\ntwo"}, ["description=", "line break"]),
    "privacy without personal data": (
        {"personal_data": "no", "privacy": "drop"},
        ["privacy=drop", "personal_data is no"],
    ),
    "a budget for each answer of a batch": (
        {"mode": "batch", "p99_ms": 20},
        ["p99_ms=20", "mode is batch"],
    ),
    "rows per run of a server": ({"rows_per_run": 5}, ["rows_per_run=5", "mode is real_time"]),
    "a server for a batch": (
        {"mode": "batch", "serving": "http"},
        ["serving=http", "it needs mode=real_time"],
    ),
    "a batch of questions, on a platform": (
        {"problem": "rag", "mode": "batch", "runs_on": "aws"},
        ["mode=batch", "it needs problem=classification or regression, not rag"],
    ),
    "a schedule for a server": (
        {"serving": "prefect"},
        ["serving=prefect", "it needs mode=batch"],
    ),
    "a cluster for a page": (
        {"mode": "edge", "serving": "spark"},
        ["serving=spark", "it needs mode=batch, not edge"],
    ),
    "days that never come": (
        {"ground_truth": "none", "ground_truth_days": 3},
        ["ground_truth_days=3", "ground_truth is none"],
    ),
    "a page for callers who wait": (
        {"serving": "browser"},
        ["serving=browser", "it needs mode=edge, not real_time"],
    ),
    "a lookup on a device": (
        {"mode": "edge", "feature_store": "feast"},
        ["feature_store=feast", "it needs mode=real_time or batch, not edge"],
    ),
    "a folder for many machines": (
        {"runs_on": "aws", "serving": "lambda", "artifact_store": "local"},
        ["serving=lambda", "it needs artifact_store=s3, not local"],
    ),
    "a Python that Triton's wheel has no numpy for": (
        {"serving": "triton", "python_minor": "3.13"},
        ["serving=triton", "it needs python_minor=3.11 or 3.12, not 3.13"],
    ),
    "Triton where there is no machine": (
        {"serving": "triton", "runs_on": "aws"},
        ["serving=triton", "it needs runs_on=any or kubernetes, not aws"],
    ),
    "Seldon without a cluster": (
        {"serving": "seldon"},
        ["serving=seldon", "it needs runs_on=kubernetes, not any"],
    ),
    "milliseconds of a device": ({"mode": "edge", "p99_ms": 5}, ["p99_ms=5", "mode is edge"]),
    "features shared with a device": (
        {"mode": "edge", "feature_sharing": "several"},
        ["feature_sharing=several", "mode is edge"],
    ),
}
COMPUTED = [name for name in QUESTIONS if name not in ASKABLE]
HIDDEN = {name: ({name: "x"}, [f"{name}=x", "there is no such question"]) for name in COMPUTED}
EVERY = {**REFUSED, **HIDDEN}


@pytest.mark.parametrize(("answers", "words"), EVERY.values(), ids=EVERY.keys())
def test_a_wrong_answer_is_refused(
    template: Path, tmp_path: Path, answers: Answers, words: list[str]
) -> None:
    with pytest.raises(UserMessageError) as refusal:
        render_to(template, tmp_path / "new", answers)

    message = str(refusal.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert not (tmp_path / "new").exists()


def test_what_a_chosen_option_needs_of_a_later_question_is_not_asked(render: Render) -> None:
    found = render(runs_on="aws", serving="lambda", engine_tests="no")

    assert (found / "src/engine/core/object_store.py").is_file()


def test_every_fault_is_named_at_once(template: Path, tmp_path: Path) -> None:
    with pytest.raises(UserMessageError, match=r"model=a: .*; tracking=b: "):
        render_to(template, tmp_path / "new", {"model": "a", "tracking": "b"})


def test_the_checks_cannot_be_switched_off(template: Path, tmp_path: Path) -> None:
    switched_off = dict.fromkeys(COMPUTED, "false")

    with pytest.raises(UserMessageError, match="there is no such question"):
        render_to(template, tmp_path / "new", switched_off)


def test_an_existing_folder_stays_as_it_is(template: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")

    with pytest.raises(UserMessageError):
        render_to(template, tmp_path, {"model": "xgboost"})

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def copy(template: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`copier copy` as a user types it, to `new` in the folder."""
    command = [sys.executable, "-m", "copier", "copy", "--defaults", *arguments]
    return subprocess.run(
        [*command, str(template), "new"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_command_line_prints_one_line_and_fails(template: Path, tmp_path: Path) -> None:
    done = copy(template, tmp_path, "--data", "model=xgboost")

    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "model=xgboost: valid values: linear, boosting" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_data_file_is_held_to_the_same_rules(template: Path, tmp_path: Path) -> None:
    (tmp_path / "given.yml").write_text("tracking: aim\npersonal_data: yes\n", encoding="utf-8")

    done = copy(template, tmp_path, "--data-file", "given.yml")

    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "tracking=aim: valid values: files, mlflow, wandb" in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("given", ["yes", "Yes", "true", True])
def test_yes_is_understood_as_text_and_as_yaml(render: Render, given: str | bool) -> None:
    answered = yaml.safe_load(
        (render(personal_data=given) / ".copier-answers.yml").read_text("utf-8")
    )

    assert answered["personal_data"] is True
    assert answered["privacy"] == "drop"


def test_a_python_minor_read_as_a_number_is_accepted(render: Render) -> None:
    assert "'3.12'" in (render(python_minor=3.12) / ".copier-answers.yml").read_text("utf-8")


@pytest.mark.parametrize("question", [q for q in ASKABLE if q in CHOICES])
def test_every_valid_value_is_accepted(question: str, render: Render) -> None:
    for value in CHOICES[question]:
        answers: Answers = {question: value}
        while more := {q: a[0] for q, a in needed(answers).items() if q not in answers}:
            answers = more | answers  # what it needs, and what that needs
        assert render(**answers).is_dir()


def commit(project: Path) -> None:
    """Everything in the project, committed."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "all")


def update(project: Path, **answers: str) -> None:
    """`copier update` to other answers at the same version."""
    copier.run_update(
        str(project),
        data=answers,
        defaults=True,
        overwrite=True,
        quiet=True,
        vcs_ref=copier.VcsRef.CURRENT,
        settings=copier.Settings(),
    )


def test_an_update_renders_recorded_answers_without_complaint(
    render: Render, tmp_path: Path
) -> None:

    project = tmp_path / "project"
    shutil.copytree(render(), project)
    git(project, "init", "--quiet")
    commit(project)

    update(project, model="linear")

    assert "model: linear" in (project / ".copier-answers.yml").read_text("utf-8")
    commit(project)
    with pytest.raises(UserMessageError, match="model=xgboost"):
        update(project, model="xgboost")
