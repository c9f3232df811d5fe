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

    assert set(config["enabledManagers"]) == {*LOOKED_AT, "kubernetes"}
    assert {"helpers:pinGitHubActionDigests", "docker:pinDigests"} <= {*config["extends"]}


LOOKED_AT = {  # the files that Renovate's managers look at by themselves, as its documentation says
    "devcontainer": r"^\.devcontainer/devcontainer\.json$",
    "docker-compose": r"(^|/)(docker-)?compose[^/]*\.ya?ml$",
    "dockerfile": r"(^|/)([Dd]ocker|[Cc]ontainer)file[^/]*$",
    "github-actions": r"^\.github/workflows/[^/]+\.ya?ml$",
    "gitlabci": r"^\.gitlab-ci\.ya?ml$",
}
PINNED = re.compile(r"^(?!#).*(image\W+|FROM |uses: |container: )\S+@(sha256:)?[0-9a-f]{40}", re.M)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"ci": "gitlab"},
        {"runs_on": "kubernetes", "problem": "rag", "language_model": "vllm"},
        {"runs_on": "kubernetes", "serving": "kserve"},
        {"problem": "rag", "language_model": "tgi"},
    ],
    ids=str,
)
def test_the_updater_looks_at_every_file_that_holds_a_digest(
    render: Render, answers: dict[str, str]
) -> None:
    rendered = render(**answers)
    config = json.loads((rendered / "renovate.json").read_text("utf-8"))
    own = [text.strip("/") for text in config["kubernetes"]["managerFilePatterns"]]
    patterns = [*LOOKED_AT.values(), *own]

    files = [p for p in rendered.rglob("*") if p.is_file() and p.suffix not in (".md", ".py")]
    names = [p.relative_to(rendered).as_posix() for p in files if PINNED.search(p.read_text())]

    assert names
    assert [name for name in names if not any(re.search(each, name) for each in patterns)] == []


SHARES = {option: record.get("shares", []) for option, record in SEAMS["serving"].items()}
SERVED = [option for option, shared in SHARES.items() if "server" in shared]
LENT = [option for option, shared in SHARES.items() if "terraform" in shared]


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize("serving", SERVED)
def test_each_change_is_held_against_the_platform(render: Render, ci: str, serving: str) -> None:
    rendered = render(**alone()[f"serving={serving}"] | {"ci": ci})
    name = "check.check" if ci == "github" else "check"

    assert "python3 run.py deploy --check" in jobs(rendered, ci)[name][1]


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_nothing_is_deployed_where_nothing_is_to_be_deployed(render: Render, ci: str) -> None:
    found = jobs(render(ci=ci, mode="batch"), ci)

    assert not [name for name, (_, commands) in found.items() if "run.py deploy" in commands]


@pytest.mark.parametrize("serving", LENT)
def test_github_deploys_by_hand_from_main_with_a_role_that_is_lent(
    render: Render, serving: str
) -> None:
    rendered = render(**alone()[f"serving={serving}"] | {"ci": "github"})
    text = (rendered / ".github/workflows/deploy.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    [job] = workflow["jobs"].values()
    [stage] = workflow[True]["workflow_dispatch"]["inputs"].values()  # YAML reads `on` as true

    assert [*workflow[True]] == ["workflow_dispatch"]
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert job["if"] == "github.ref == 'refs/heads/main'"
    assert "environment" not in job  # the token would say so, and no role is lent to that
    assert "secrets." not in text
    assert stage["options"] == stages(rendered)
    assert [*map(ACTION.fullmatch, re.findall(r"uses: .*", text))].count(None) == 0
    assert job["steps"][-1]["run"].startswith('python3 run.py deploy "$STAGE" --image ')


@pytest.mark.parametrize("serving", LENT)
def test_gitlab_deploys_by_hand_from_main_with_a_role_that_is_lent(
    render: Render, serving: str
) -> None:
    rendered = render(**alone()[f"serving={serving}"] | {"ci": "gitlab"})
    pipeline = yaml.safe_load((rendered / ".gitlab-ci.yml").read_text("utf-8"))
    found = {name: job for name, job in pipeline.items() if name.startswith("deploy-")}

    assert [name.removeprefix("deploy-") for name in found] == stages(rendered)
    for name, job in found.items():
        assert f"deploy-{job['variables']['STAGE']}" == name
        [rule] = job["rules"]
        assert rule["when"] == "manual"
        assert '$CI_COMMIT_BRANCH == "main"' in rule["if"]
        assert len(job["id_tokens"]) == 1
        assert job["stage"] in pipeline["stages"]


def stages(rendered: Path) -> list[str]:
    """Those that the verb `deploy` knows."""
    text = (rendered / "tools/deploy/target.py").read_text("utf-8")
    [said] = re.findall(r"(?m)^STAGES = \((.*)\)$", text)
    return re.findall(r'"(\w+)"', said)
