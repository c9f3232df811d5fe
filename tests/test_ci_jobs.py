"""The jobs of a rendered repository's CI that run its tests install what these tests need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Render
from .conversation import OPTIONS, SEAMS

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
    needs = {name: fit[0] for name, fit in SEAMS[seam][option].get("needs", {}).items()}
    found = jobs(render(ci=ci, python_minor="3.12", **needs, **{seam: option}), ci)

    testing = {name: job for name, job in found.items() if RUNS_TESTS.search(job[1])}

    assert len(testing) == 2  # of each change, and of an update of the template
    for image, commands in testing.values():
        before, _, _ = commands.partition("python run.py")
        assert image == "python:3.12"  # Debian, which has the packages under these names
        [packages] = INSTALLS.findall(before)
        assert {"prometheus", *SEAMS[seam][option]["debian"]} <= {*packages.split()}


def test_git_reads_the_repository_in_a_container_of_github(render: Render) -> None:
    named = 'git config --global --add safe.directory "$GITHUB_WORKSPACE"'

    for image, commands in jobs(render(ci="github"), "github").values():
        assert (named in commands) == image.startswith("python:")


def test_github_has_the_program_that_opens_the_pull_request(render: Render) -> None:
    [commands] = [text for _, text in jobs(render(), "github").values() if "\ngh " in text]

    assert any("gh" in packages.split() for packages in INSTALLS.findall(commands))
