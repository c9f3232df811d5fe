"""A repository made from a clone finds the clone's origin, when the clone is long gone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extensions import origin
from extensions.release import make
from template.tools.template import recorded

from . import owner
from .conftest import git
from .releases import NEXT, NOW, bring, commit, everything, render_at, tree
from .test_template_verb import BRANCH, ask, edit, typed


def new(checkout: Path, target: Path, *words: str) -> str:
    """`python3 run.py new TARGET` of this clone, in the environment of the tests."""
    words = ("--defaults", "-d", "project_name=My model", *words)
    call = [sys.executable, "-m", "extensions.new", str(target), *words]
    done = subprocess.run(call, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """A clone whose origin is a server's; nothing is released there."""
    git(template, "clone", "--quiet", "--bare", str(template), str(tmp_path / "server.git"))
    git(tmp_path / "server.git", "tag", "--delete", *git(tmp_path / "server.git", "tag").split())
    git(tmp_path, "clone", "--quiet", f"file://{tmp_path}/server.git", "clone")
    shutil.rmtree(tmp_path / "clone/releases", ignore_errors=True)
    commit(tmp_path / "clone", "nothing is released")
    return tmp_path / "clone"


def push(clone: Path) -> None:
    """All that is there, and its tags."""
    git(clone, "push", "--quiet", "--tags", "origin", "HEAD")


@pytest.mark.parametrize("tag", ["tagged before", "tagged after", "never tagged"])
def test_whoever_has_only_the_repository_updates_it_to_the_next_release(
    clone: Path, tmp_path: Path, tag: str
) -> None:
    make(clone, tag=tag == "tagged before")
    push(clone)

    said = new(clone, tmp_path / "demo")

    server = f"file://{tmp_path}/server.git"
    first = git(clone, "describe", "--tags", "--always").strip()
    assert (first == NOW) == (tag == "tagged before")
    assert recorded(tmp_path / "demo") == (server, first)
    assert said.startswith(f"NOTE: updates come from {server}, a folder of this machine; for")
    if tag == "tagged after":
        git(clone, "tag", "--annotate", NOW, "--message", NOW)
        push(clone)
    owner.adopt(tmp_path / "demo", edit)
    git(tmp_path, "clone", "--quiet", str(tmp_path / "demo"), "colleague")
    colleague = tmp_path / "colleague"
    assert typed(colleague).stdout == f"template: {NOW} is the newest release\n"

    everything(clone)
    bring(clone, NEXT)
    commit(clone, "what could follow")
    make(clone, tag=tag != "never tagged")
    push(clone)
    shutil.rmtree(clone)
    found = typed(colleague)
    by = typed if tag == "never tagged" else ask
    done = by(colleague, "update", "--no-tests", "-d", "model=linear")

    assert found.returncode == 2
    assert found.stdout.startswith(f"template: {NEXT} is out, this is {NOW}. Next: ")
    assert done.returncode == 0, done.stdout + done.stderr
    git(colleague, "merge", "--quiet", BRANCH)
    message = git(colleague, "log", "-1", "--format=%s").strip()
    assert message == f"Template {NOW} -> {NEXT}"
    answers = {"model": "linear", "python_minor": "{}.{}".format(*sys.version_info)}
    expected = render_at(server, "HEAD", tmp_path / "fresh/demo", answers)
    edit(expected)
    assert tree(colleague) == tree(expected)
    assert typed(colleague).stdout == f"template: {NEXT} is the newest release\n"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("git@github.com:team/template.git", "git@github.com:team/template.git"),
        ("https://github.com/team/template", "https://github.com/team/template"),
        ("https://me:pw@git.example/tpl", "git+https://git.example/tpl"),  # not a secret
        ("https://token@git.example/template.git", "https://git.example/template.git"),
        ("ssh://git@git.example/template", "git+ssh://git@git.example/template"),
        ("host:template.git", "host:template.git"),
        ("../a b/server.git", "file://{}/a%20b/server.git"),
        ("/srv/template", "git+file:///srv/template"),
        ("", ""),
    ],
)
def test_the_origin_as_copier_takes_it_and_without_a_password(
    tmp_path: Path, url: str, address: str
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", str(clone))
    if url:
        git(clone, "remote", "add", "origin", url)
    ours = "url.https://x:secret@git.example/.insteadOf"  # not a secret
    git(clone, "config", ours, "https://git.example/")

    assert origin.origin(clone) == address.format(tmp_path)


def project(folder: Path, source: Path | str, commit: str) -> Path:
    """What of a new repository speaks of the template."""
    folder.mkdir()
    text = f"# a note\n_commit: {commit}\n_src_path: {source}\nmodel: linear\n"
    (folder / ".copier-answers.yml").write_text(text, "utf-8")
    return folder


def test_without_an_origin_the_folder_stays_recorded_and_that_is_said(
    clone: Path, tmp_path: Path
) -> None:
    git(clone, "remote", "remove", "origin")
    head = git(clone, "rev-parse", "--short", "HEAD").strip()
    made = project(tmp_path / "made", clone, head)

    assert origin.record(made, clone) == [
        f"updates come from {clone}, a folder of this machine; for others, write at _src_path in"
        " .copier-answers.yml an address that they reach"
    ]
    assert recorded(made) == (str(clone), head)


def test_a_commit_that_was_not_pushed_is_said(clone: Path, tmp_path: Path) -> None:
    git(clone, "remote", "set-url", "origin", "https://git.example/template.git")
    head = git(clone, "rev-parse", "--short", "HEAD").strip()
    made = project(tmp_path / "made", clone, head)

    assert origin.record(made, clone) == [
        f"{head} is on no branch of https://git.example/template.git that was fetched here; git"
        " push it there, or no update can begin from it"
    ]
    assert recorded(made) == ("https://git.example/template.git", head)
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert origin.record(project(tmp_path / "next", clone, head), clone) == []


def test_what_is_not_committed_is_an_edit_of_the_new_repository(
    clone: Path, tmp_path: Path
) -> None:
    push(clone)
    page = clone / "template/docs/change-it.md.jinja"
    owner.append(page, "Not committed.\n")

    said = new(clone, tmp_path / "demo")

    assert f"NOTE: what is not committed in {clone} came along; an update takes it" in said
    server, commit_ = recorded(tmp_path / "demo")
    assert commit_ == git(clone, "describe", "--tags", "--always").strip()
    assert "Not committed." in (tmp_path / "demo/docs/change-it.md").read_text("utf-8")
    assert server.startswith("file://")


def test_a_folder_without_git_makes_what_cannot_be_updated_and_that_is_said(
    clone: Path, tmp_path: Path
) -> None:
    shutil.rmtree(clone / ".git")

    said = new(clone, tmp_path / "demo")

    assert said.startswith(f"NOTE: {clone} is no clone of git, so nothing says which release this")
    assert len(said.splitlines()) == 1
    done = typed(owner.adopt(tmp_path / "demo"))
    assert done.returncode == 1
    assert "no _commit. Write there the template's address" in done.stdout
    assert origin.release(clone) == "no clone of git"


def test_answers_of_another_template_are_left_alone(clone: Path, tmp_path: Path) -> None:
    made = project(tmp_path / "made", "gh:team/template", "v0.1.0")

    assert origin.record(made, clone) == []
    assert origin.record(tmp_path / "missing", clone) == []
    assert recorded(made) == ("gh:team/template", "v0.1.0")


@pytest.mark.parametrize(
    "value", ["1234567", "12e4567", "C:\\templates", "a: b", "it's", "/a/b.git"]
)
def test_what_is_recorded_is_read_again(clone: Path, tmp_path: Path, value: str) -> None:
    text = f"_commit: {origin.quoted(value)}\n_src_path: {clone}\n"
    (tmp_path / ".copier-answers.yml").write_text(text, "utf-8")

    assert yaml.safe_load(text)["_commit"] == value
    assert recorded(tmp_path)[0] == str(clone)


def test_a_clone_knows_its_release_by_tag_and_by_file(clone: Path, tmp_path: Path) -> None:
    head = git(clone, "rev-parse", "--short", "HEAD").strip()
    assert origin.release(clone) == f"commit {head}"
    make(clone, tag=False)
    assert origin.release(clone) == NOW
    commit(clone, "later")
    assert origin.release(clone) == f"1 commit after {NOW}"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{clone}", "shallow")
    assert origin.release(tmp_path / "shallow") == f"{NOW}, or later"
