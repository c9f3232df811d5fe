"""The jobs of a rendered repository's CI that run its tests install what these tests need."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, Render
from .conversation import OPTIONS, SEAMS, Answers, alone

PINS = (ROOT / "includes/pins").read_text("utf-8")
ACTION = re.compile(r"uses: actions/([\w-]+)(?:/\w+)?@([0-9a-f]{40}) # v\d+\.\d+\.\d+")
IMAGE = re.compile(r"python:3\.\d+\.\d+-slim-trixie@sha256:[0-9a-f]{64}")
RUNS_TESTS = re.compile(r"run\.py (test|template update)\b")
INSTALLS = re.compile(r"apt-get install --yes --no-install-recommends (.+)")
NEEDY = [(seam, option) for seam, option in OPTIONS if SEAMS[seam][option].get("debian")]


def jobs(rendered: Path, ci: str) -> dict[str, tuple[str, str]]:
    """Job -> the image that it runs in, and all of its commands."""
    if ci == "gitlab":
        pipeline: dict[str, Any] = yaml.safe_load((rendered / ".gitlab-ci.yml").read_text("utf-8"))
        return {
            name: (pipeline["image"], "\n".join(job.get("before_script", []) + job["script"]))
            for name, job in pipeline.items()
            if isinstance(job, dict) and "script" in job
        }
    files = sorted((rendered / ".github/workflows").iterdir())
    return {
        f"{file.stem}.{name}": (
            job.get("container", job["runs-on"]),
            "\n".join(step.get("run", "") for step in job["steps"]),
        )
        for file in files
        for name, job in yaml.safe_load(file.read_text("utf-8"))["jobs"].items()
    }


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(("seam", "option"), NEEDY)
def test_whatever_runs_the_tests_installs_what_they_need(
    render: Render, ci: str, seam: str, option: str
) -> None:
    answers = alone()[f"{seam}={option}"] | {"ci": ci, "python_minor": "3.12"}
    found = jobs(render(**answers), ci)

    testing = {name: job for name, job in found.items() if RUNS_TESTS.search(job[1])}

    assert len(testing) == 2  # of each change, and of an update of the template
    for image, commands in testing.values():
        before, _, _ = commands.partition("python3 run.py")
        assert IMAGE.fullmatch(image), image  # Debian, which has the packages under these names
        assert image.startswith("python:3.12.")
        [packages] = INSTALLS.findall(before)
        assert {"git", "prometheus", *SEAMS[seam][option]["debian"]} <= {*packages.split()}


def test_git_reads_the_repository_in_a_container_of_github(render: Render) -> None:
    named = 'git config --global --add safe.directory "$GITHUB_WORKSPACE"'

    for image, commands in jobs(render(ci="github"), "github").values():
        assert (named in commands) == image.startswith("python:")


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_an_index_that_fails_a_gate_blocks_a_change(render: Render, ci: str) -> None:
    """`up` builds, asks the questions, and ends with 3 at a failed gate (test_evaluation.py)."""
    rendered = render(problem="rag", ci=ci)
    name = ".gitlab-ci.yml" if ci == "gitlab" else ".github/workflows/check.yml"
    found: dict[Any, Any] = yaml.safe_load((rendered / name).read_text("utf-8"))
    every = found.get("jobs", found)

    [job] = (each for each in every.values() if "run.py up --once" in json.dumps(each))

    lines = [step["run"] for step in job.get("steps", []) if "run" in step] or job["script"]
    assert "python3 run.py up --once" in lines  # as it is: nothing after it makes its code good
    assert not {"allow_failure", "continue-on-error", "if"} & {*job}
    assert not any("continue-on-error" in step or "if" in step for step in job.get("steps", []))
    # YAML 1.1 reads `on` as true
    ways = [rule["if"] for rule in job["rules"]] if ci == "gitlab" else [*found[True]]
    assert any("merge_request" in way or way == "pull_request" for way in ways)


def steps(rendered: Path) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every step of GitHub's workflows, with the name of its job and the job."""
    files = sorted((rendered / ".github/workflows").iterdir())
    return [
        (f"{file.stem}.{name}", job, step)
        for file in files
        for name, job in yaml.safe_load(file.read_text("utf-8"))["jobs"].items()
        for step in job["steps"]
    ]


@pytest.mark.parametrize("ours", [True, False])
def test_every_action_is_pinned_to_a_digest_that_was_checked(render: Render, ours: bool) -> None:
    root = ROOT if ours else render(ci="github")
    text = "".join(f.read_text("utf-8") for f in (root / ".github/workflows").iterdir())
    used = re.findall(r"uses: .*", text)

    assert used
    for line in used:
        found = ACTION.fullmatch(line)
        assert found, line
        assert re.search(rf"actions/{found[1]}(/%s)?@{found[2]}", PINS), line


@pytest.mark.parametrize(
    "answers",
    [
        {"ci": "github", "python_minor": "3.11"},
        {"ci": "gitlab", "mode": "batch", "python_minor": "3.12"},
        {"ci": "gitlab", "mode": "batch", "serving": "spark", "python_minor": "3.13"},
    ],
)
def test_every_image_is_pinned_to_a_digest_that_was_checked(
    render: Render, answers: Answers
) -> None:
    rendered = render(**answers)
    files = [
        *rendered.glob("deploy/Dockerfile"),
        *rendered.glob(".gitlab-ci.yml"),
        *rendered.glob(".github/workflows/*"),
    ]
    text = "".join(file.read_text("utf-8") for file in files)
    named = re.findall(r"(?m)^(?:FROM|image:|\s*container:) (\S+)", text)

    assert len(named) >= 3
    for image in named:
        assert IMAGE.fullmatch(image), image
        assert f"'{image}'" in PINS
        assert image.startswith(f"python:{answers['python_minor']}.")


def test_no_step_of_github_finds_a_credential_that_it_does_not_need(render: Render) -> None:
    rendered = render(ci="github")
    tokens = []
    for job, is_, step in steps(rendered):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False, job
        if re.search(r"secrets\.|github\.token", json.dumps({**is_, "steps": []})):
            tokens.append(job)
        if re.search(r"secrets\.|github\.token", json.dumps(step)):
            tokens.append(f"{job}: {step['name']}")
    writing = {
        job for job, is_, _ in steps(rendered) if "write" in json.dumps(is_.get("permissions", {}))
    }
    general = [
        yaml.safe_load(file.read_text("utf-8"))["permissions"]
        for file in (rendered / ".github/workflows").iterdir()
    ]

    read_only = "template.update: let git read the template by HTTPS, a private one with a token"
    assert tokens == [read_only, "template.propose: propose the release, once"]
    assert writing == {"template.propose"}
    assert all(given in ({}, {"contents": "read"}) for given in general)


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_the_job_that_may_write_runs_nothing_of_the_repository(render: Render, ci: str) -> None:
    found = jobs(render(ci=ci), ci)
    name = "template.propose" if ci == "github" else "template-propose"
    _, commands = found[name]

    assert not re.search(r"python|run\.py|\bsh \S|\./", commands)
    assert all("push " not in text for job, (_, text) in found.items() if job != name)


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_an_updater_keeps_the_pins_and_leaves_the_lock_alone(render: Render, ci: str) -> None:
    file = render(ci=ci) / "renovate.json"
    assert file.exists() == (ci != "none")
    if ci == "none":
        return
    config = json.loads(file.read_text("utf-8"))

    assert set(config["enabledManagers"]) == {
        "docker-compose",
        "dockerfile",
        "github-actions",
        "gitlabci",
    }
    assert {"helpers:pinGitHubActionDigests", "docker:pinDigests"} <= {*config["extends"]}
