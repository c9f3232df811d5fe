"""The weekly jobs of a rendered repository: one updates, another proposes the result once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Render, git
from .releases import NEXT, NOW, commit, render_at, replace

ADDRESS = "https://template:secret@gitlab.example/team/demo.git"  # not a secret
UPDATE = """\
test "$*" = "run.py template update" || exit 1
git branch -f template-v9.0.0 $(git commit-tree HEAD^{tree} -p HEAD -m $$)
"""


def scripts(rendered: Path, ci: str) -> tuple[str, str]:
    """What the two jobs run, each as one script that stops at the first failure."""
    if ci == "github":
        jobs = yaml.safe_load((rendered / ".github/workflows/template.yml").read_text("utf-8"))
        update, propose = (jobs["jobs"][name]["steps"] for name in ("update", "propose"))
        runs = [step["run"] for step in update if {"id", "env"} & {*step}]
        assert ".insteadOf" in runs[0]
        return "\n".join(runs), propose[-1]["run"]
    found: dict[str, Any] = yaml.safe_load((rendered / ".gitlab-ci.yml").read_text("utf-8"))
    update, propose = (
        "\n".join(found[f"template-{name}"]["script"]) for name in ("update", "propose")
    )
    return update, propose


def program(folder: Path, name: str, text: str) -> None:
    """A stand-in for a program."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)


class Ci:
    """A stand-in for a CI: a clone for each job, and what one hands to the next."""

    def __init__(self, folder: Path, rendered: Path, ci: str) -> None:
        self.folder, self.ci = folder, ci
        self.origin, self.stubs = folder / "origin", folder / "bin"
        self.settings = folder / "gitconfig"  # of the runner
        shutil.copy(os.environ["GIT_CONFIG_GLOBAL"], self.settings)
        self.update_script, self.propose_script = scripts(rendered, ci)
        git(folder, "init", "--quiet", "--bare", str(self.origin))
        git(self.origin, "config", "receive.advertisePushOptions", "true")
        hook = f"env | grep PUSH_OPTION_ >> {folder}/said || true"
        program(self.origin / "hooks", "post-receive", hook)
        program(self.stubs, "gh", f'echo "$*" >> {folder}/said')
        program(self.stubs, "python3", UPDATE)
        first = self.clone("first")
        git(first, "commit", "--quiet", "--allow-empty", "--message", "start")
        git(first, "push", "--quiet", "origin", "HEAD")

    def clone(self, name: str) -> Path:
        """The work tree of a job, laid anew."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        git(self.folder, "clone", "--quiet", str(self.origin), str(place))
        return place

    def run(self, script: str, place: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """A script as a runner runs it."""
        where = {"CI_SERVER_HOST": "gitlab.example", "CI_PROJECT_PATH": "team/demo"}
        where |= {"CI_DEFAULT_BRANCH": "main", "GITHUB_OUTPUT": str(self.folder / "output")}
        where |= {"GIT_CONFIG_GLOBAL": str(self.settings), "CI_JOB_TOKEN": "job"}
        where |= {"PATH": f"{self.stubs}{os.pathsep}{os.environ['PATH']}", **variables}
        call = ["bash", "-e", "-c", script]
        return subprocess.run(
            call, cwd=place, env=os.environ | where, capture_output=True, text=True
        )

    def update(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """The job that runs the code of the release."""
        (self.folder / "output").write_text("", "utf-8")
        return self.run(self.update_script, self.clone("update"), **variables)

    def propose(self, branch: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """The job that writes; `branch` is what the first job claims instead of the truth."""
        place, made = self.clone("propose"), self.folder / "update/template.bundle"
        git(place, "config", f"url.{self.origin}.insteadOf", ADDRESS)
        if self.ci == "gitlab":
            for file in (made, made.with_name("template.branch")):
                shutil.copy(file, place)
            if branch:
                (place / "template.branch").write_text(branch + "\n", "utf-8")
            variables = {"BUNDLE": made.name, "TEMPLATE_TOKEN": "secret", **variables}
        else:
            output = (self.folder / "output").read_text("utf-8").strip()
            named = branch or output.removeprefix("branch=")
            variables = {"BUNDLE": str(made), "BRANCH": named, "GH_TOKEN": "secret", **variables}
        return self.run(self.propose_script, place, **variables)

    def said(self) -> str:
        """What the host was asked for."""
        file = self.folder / "said"
        return file.read_text("utf-8") if file.exists() else ""


@pytest.fixture(params=["github", "gitlab"])
def ci(request: pytest.FixtureRequest, render: Render, tmp_path: Path) -> Ci:
    """Each of the two hosts."""
    return Ci(tmp_path, render(ci=request.param), request.param)


def test_a_release_is_proposed_once(ci: Ci) -> None:
    for _ in range(2):
        for done in (ci.update(), ci.propose()):
            assert done.returncode == 0, done.stderr

    assert "template-v9.0.0" in git(ci.origin, "branch")
    asked = "pr create" if ci.ci == "github" else "=merge_request.create"
    assert ci.said().count(asked) == 1


def test_every_form_of_the_templates_address_is_read_by_https(ci: Ci) -> None:
    host, reader = {
        "github": ("github.com", "x-access-token:secret@"),
        "gitlab": ("gitlab.example", "gitlab-ci-token:job@"),
    }[ci.ci]
    forms = (
        f"git@{host}:team/tpl.git",
        f"ssh://git@{host}/team/tpl.git",
        f"https://{host}/team/tpl.git",
    )
    for token, user in (("secret", reader), ("", "" if ci.ci == "github" else reader)):
        shutil.copy(os.environ["GIT_CONFIG_GLOBAL"], ci.settings)
        assert ci.update(TEMPLATE_READ_TOKEN=token).returncode == 0
        for form in forms:
            asked = ci.run(f"git ls-remote --get-url {form}", ci.folder).stdout
            assert asked == f"https://{user}{host}/team/tpl.git\n"


def test_the_real_verb_brings_a_release_from_the_recorded_address(ci: Ci, releases: Path) -> None:
    bare = ci.folder / "template.git"
    git(ci.folder, "clone", "--quiet", "--bare", str(releases), str(bare))
    work = ci.clone("owner")
    render_at(releases, NOW, work, {"ci": ci.ci})
    replace(work / ".copier-answers.yml", str(releases), f"git+file://{bare}")
    commit(work, "as rendered")
    git(work, "push", "--quiet", "origin", "HEAD")
    program(ci.stubs, "python3", f"exec {sys.executable} -m tools.template update --no-tests")

    for done in (ci.update(), ci.propose()):
        assert done.returncode == 0, done.stdout + done.stderr

    changed = git(ci.origin, "diff", "--name-only", "main", f"template-{NEXT}")
    assert {".copier-answers.yml", "docs/handover.md"} <= {*changed.split()}
    assert ci.update().returncode == 0  # in a clone of its own: the branch is not there
    bare.rename(ci.folder / "moved.git")
    gone = ci.update()
    assert gone.returncode == 1
    assert f"template: git+file://{bare} cannot be reached: fatal: '{bare}' does not" in gone.stdout


def test_without_a_newer_release_nothing_is_proposed(ci: Ci) -> None:
    program(ci.stubs, "python3", "exit 0")

    assert ci.update().returncode == 0

    assert not (ci.folder / "update/template.bundle").exists()
    assert not (ci.folder / "output").read_text("utf-8")  # GitHub leaves out the second job


def test_an_update_that_needs_a_person_fails_the_job(ci: Ci) -> None:
    program(ci.stubs, "python3", "exit 3")

    assert ci.update().returncode == 3


@pytest.mark.parametrize("branch", ["main", "template-a b", "template-$(id)", "template-../main"])
def test_a_branch_of_another_name_is_not_pushed(ci: Ci, branch: str) -> None:
    ci.update()
    done = ci.propose(branch)

    assert done.returncode
    assert "not the name of an update" in done.stdout
    assert "template" not in git(ci.origin, "branch")


def test_more_than_one_commit_on_top_of_ours_is_not_pushed(ci: Ci) -> None:
    commit = "$(git commit-tree HEAD^{tree} -p $(git commit-tree HEAD^{tree} -p HEAD -m a) -m b)"
    program(ci.stubs, "python3", f"git branch -f template-v9.0.0 {commit}")
    ci.update()
    done = ci.propose()

    assert done.returncode
    assert "is not one commit on top of" in done.stdout
    assert "template" not in git(ci.origin, "branch")


def test_a_changed_workflow_is_not_pushed_to_github(render: Render, tmp_path: Path) -> None:
    ci = Ci(tmp_path, render(ci="github"), "github")
    program(
        ci.stubs,
        "python3",
        "mkdir -p .github/workflows && echo 'on: push' > .github/workflows/new.yml\n"
        "git add .github && git branch -f template-v9.0.0 "
        "$(git commit-tree $(git write-tree) -p HEAD -m new)",
    )
    assert ci.update().returncode == 0

    done = ci.propose()

    assert done.returncode == 1
    assert "template-v9.0.0 changes .github" in done.stdout
    assert "push template-v9.0.0 yourself" in done.stdout
    assert "template" not in git(ci.origin, "branch")
    git(ci.folder / "update", "push", "--quiet", str(ci.origin), "template-v9.0.0")
    assert ci.propose().returncode == 0  # somebody read it and pushed it


def test_gitlab_runs_no_new_code_where_the_token_is_visible(render: Render, tmp_path: Path) -> None:
    done = Ci(tmp_path, render(ci="gitlab"), "gitlab").update(TEMPLATE_TOKEN="secret")

    assert done.returncode == 1
    assert "environment scope" in done.stdout
    assert not (tmp_path / "update/template.branch").exists()


def test_gitlab_says_that_a_release_waits_for_a_token(render: Render, tmp_path: Path) -> None:
    ci = Ci(tmp_path, render(ci="gitlab"), "gitlab")
    ci.update()
    done = ci.propose(TEMPLATE_TOKEN="")

    assert done.returncode == 1
    assert "template-v9.0.0 waits" in done.stdout
