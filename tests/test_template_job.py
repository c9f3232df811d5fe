"""The weekly job of a rendered repository: its script proposes the newest release once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Render, git

ADDRESS = "https://template:secret@gitlab.example/team/demo.git"
UPDATE = """\
test "$*" = "run.py template update" || exit 1
git branch -f template-v9.0.0 $(git commit-tree HEAD^{tree} -m $$)
"""


def script(rendered: Path, ci: str) -> str:
    """What the job runs, as one script that stops at the first failure."""
    if ci == "github":
        job = yaml.safe_load((rendered / ".github/workflows/template.yml").read_text("utf-8"))
        return str(job["jobs"]["update"]["steps"][-1]["run"])
    jobs: dict[str, Any] = yaml.safe_load((rendered / ".gitlab-ci.yml").read_text("utf-8"))
    return "\n".join(jobs["template-update"]["script"])


def program(folder: Path, name: str, text: str) -> None:
    """A stand-in for a program."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_release_is_proposed_once(render: Render, tmp_path: Path, ci: str) -> None:
    origin, project, stubs = tmp_path / "origin", tmp_path / "project", tmp_path / "bin"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(origin, "config", "receive.advertisePushOptions", "true")
    program(origin / "hooks", "post-receive", f"env | grep PUSH_OPTION_ >> {tmp_path}/said || true")
    program(stubs, "gh", f'echo "$*" >> {tmp_path}/said')
    program(stubs, "python", UPDATE)
    git(tmp_path, "clone", "--quiet", str(origin), str(project))
    git(project, "commit", "--quiet", "--allow-empty", "--message", "start")
    git(project, "config", f"url.{origin}.insteadOf", ADDRESS)
    place = {"CI_SERVER_HOST": "gitlab.example", "CI_PROJECT_PATH": "team/demo"}
    environment = {"TEMPLATE_TOKEN": "secret", "CI_DEFAULT_BRANCH": "main", **place}
    environment["PATH"] = f"{stubs}{os.pathsep}{os.environ['PATH']}"

    for _ in range(2):
        subprocess.run(
            ["bash", "-e", "-c", script(render(ci=ci), ci)],
            cwd=project,
            env=os.environ | environment,
            check=True,
        )

    assert "template-v9.0.0" in git(origin, "branch")
    said = (tmp_path / "said").read_text("utf-8")
    asked = "pr create" if ci == "github" else "=merge_request.create"
    assert said.count(asked) == 1


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_an_update_that_needs_a_person_fails_the_job(
    render: Render, tmp_path: Path, ci: str
) -> None:
    program(tmp_path / "bin", "python", "exit 3")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "nowhere")
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    call = ["bash", "-e", "-c", script(render(ci=ci), ci)]
    done = subprocess.run(call, cwd=tmp_path, env=os.environ | {"PATH": path}, check=False)

    assert done.returncode == 3
