"""What editors and agents find in a render: files that they accept, and words that are true."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROOT, Render
from .conversation import Answers
from .test_docs import links

PINS = (ROOT / "includes/pins").read_text("utf-8")
RENDERS: list[Answers] = [
    {"project_name": 'A "quoted" <name> \\ {{ x }}'},
    {"mode": "batch", "serving": "spark", "feature_sharing": "one", "problem": "regression"},
    {"mode": "edge", "tracking": "mlflow", "python_minor": "3.13"},
]
# What containers.dev and code.visualstudio.com document, as far as it is used here.
DEVCONTAINER = {"name", "image", "onCreateCommand", "postCreateCommand", "customizations"}
TASK = {"label", "detail", "type", "command", "windows", "problemMatcher"}
SETTINGS = {
    "[python]",
    "jupyter.notebookFileRoot",
    "mypy-type-checker.importStrategy",
    "python.defaultInterpreterPath",
    "python.testing.pytestArgs",
    "python.testing.pytestEnabled",
    "ruff.importStrategy",
}


@pytest.fixture(params=RENDERS, ids=["real_time", "batch", "edge"])
def rendered(request: pytest.FixtureRequest, render: Render) -> Path:
    """A render of each mode."""
    return render(**request.param)


def read(path: Path) -> Any:
    """A file of JSON."""
    return json.loads(path.read_text("utf-8"))


def verbs(rendered: Path) -> dict[str, Any]:
    """What run.py offers there."""
    project = tomllib.loads((rendered / "pyproject.toml").read_text("utf-8"))
    return dict(project["tool"]["run"]["verbs"])


def test_the_container_is_that_of_ci_and_installs_what_tests_need(rendered: Path) -> None:
    file = read(rendered / ".devcontainer/devcontainer.json")
    workflow = (rendered / ".github/workflows/check.yml").read_text("utf-8")
    minor = re.search(r">=(3\.\d+)", (rendered / "pyproject.toml").read_text("utf-8"))

    assert set(file) == DEVCONTAINER
    assert f"'{file['image']}'" in PINS
    assert minor
    assert file["image"].startswith(f"python:{minor[1]}.")
    assert file["onCreateCommand"] in workflow
    named = re.findall(r"python3 run\.py ([\w-]+)", file["postCreateCommand"])
    assert named == ["doctor", "test"]
    assert {*named} <= {*verbs(rendered)}


def test_every_verb_is_a_task(rendered: Path) -> None:
    file = read(rendered / ".vscode/tasks.json")

    assert set(file) == {"version", "inputs", "tasks"}
    assert file["version"] == "2.0.0"
    assert [task["label"] for task in file["tasks"]] == [*verbs(rendered)]
    for task in file["tasks"]:
        assert set(task) == TASK
        assert task["command"] == f"python3 run.py {task['label']} ${{input:arguments}}"
        assert task["windows"]["command"] == task["command"].replace("python3", "py")
    assert [given["id"] for given in file["inputs"]] == ["arguments"]


def test_the_editor_is_told_of_the_environment_and_the_tests(rendered: Path) -> None:
    settings = read(rendered / ".vscode/settings.json")
    recommended = read(rendered / ".vscode/extensions.json")["recommendations"]
    container = read(rendered / ".devcontainer/devcontainer.json")

    assert set(settings) == SETTINGS
    assert all((rendered / path).is_dir() for path in settings["python.testing.pytestArgs"])
    assert container["customizations"] == {"vscode": {"extensions": recommended}}
    assert settings["[python]"]["editor.defaultFormatter"] in recommended


def test_editorconfig_says_what_git_and_ruff_say(rendered: Path) -> None:
    text = (rendered / ".editorconfig").read_text("utf-8")
    project = tomllib.loads((rendered / "pyproject.toml").read_text("utf-8"))

    assert text.startswith("root = true\n")
    assert f"max_line_length = {project['tool']['ruff']['line-length']}\n" in text
    assert "end_of_line = lf\n" in text
    assert "eol=lf" in (rendered / ".gitattributes").read_text("utf-8")


@pytest.mark.parametrize("page", ["AGENTS.md", "docs/change-it.md"])
def test_every_file_and_every_verb_that_a_page_names_is_there(rendered: Path, page: str) -> None:
    text = (rendered / page).read_text("utf-8")
    made = {"requirements.lock", "MODEL_CARD.md", "store/"}  # by running it
    named = re.findall(r"`([\w./-]+(?:\.(?:py|toml|md|ipynb|yml|lock)|/))`", text)
    known = {path.name for path in rendered.rglob("*")}

    assert len(named) > 8
    elsewhere = {path for path in named if path.startswith("tests/engine/")}  # as the page says
    for path in {*named} - made - elsewhere:
        alone = "/" not in path.rstrip("/")
        assert (rendered / path).exists() or (alone and path in known), path
    called = {*re.findall(r"run\.py ([a-z][\w-]*)", text)}
    assert len(called) > 5
    assert called <= {*verbs(rendered), "new"}
    assert not [
        to for to in links(rendered / page) if not (rendered / page).parent.joinpath(to).exists()
    ]


def test_agents_and_people_read_the_same_rows(rendered: Path) -> None:
    rows = re.findall(r"(?m)^\| .+ \|$", (rendered / "docs/change-it.md").read_text("utf-8"))[2:]
    agents = (rendered / "AGENTS.md").read_text("utf-8").replace("](docs/", "](")

    assert len(rows) > 15
    assert all(row in agents for row in rows)
    assert all(f"- `{verb}`: {is_['help']}\n" in agents for verb, is_ in verbs(rendered).items())
