"""`run.py adopt`: an existing repository comes onto this template, and nothing of it is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from extensions.adopt.__main__ import main

from . import old_template
from .conftest import ROOT, git
from .releases import NOW, commit, digits_only
from .test_template_verb import no_room, state
from .test_update import conflicts, update

BRANCH = "copier-ml"
GONE = {"models/.gitkeep", "src/data/make_dataset.py", "src/models/train_model.py", "tox.ini"}
KEPT = {"Makefile", "docs/findings.md", "notebooks/look.ipynb", "src/features/own.py"}
CONTEXT = [f"--context={name}={value}" for name, value in old_template.GIVEN.items()]


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The old template."""
    return old_template.build(tmp_path_factory.mktemp("classic"))


def worked_on(engine: str, classic: Path, folder: Path) -> Path:
    """A project of the old template with somebody's work in it."""
    project = old_template.generate(engine, classic, folder)
    old_template.work(project)
    return project


def adopt(releases: Path, project: Path, *words: str) -> int:
    """The verb, with one release of this template."""
    return main([str(project), "--source", str(releases), "--release", NOW, *words])


def added(project: Path, since: str, until: str) -> set[tuple[str, str]]:
    """Every line that the commits in between added, with its file."""
    found, name = set(), ""
    for line in git(project, "diff", "--no-renames", "--unified=0", since, until).splitlines():
        if line.startswith("+++ b/"):
            name = line.removeprefix("+++ b/")
        elif line.startswith("+") and not line.startswith("+++"):
            found.add((name, line[1:]))
    return found


def shown(project: Path, path: str, commit: str = BRANCH) -> str:
    """A file of a commit."""
    return git(project, "show", f"{commit}:{path}")


@pytest.mark.parametrize("engine", ["cruft", "cookiecutter", "first-commit"])
def test_edits_of_an_old_template_are_carried_over(
    releases: Path, classic: Path, tmp_path: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = worked_on(engine if engine == "cruft" else "cookiecutter", classic, tmp_path)
    before = state(project)
    mine = added(project, "HEAD~1", "HEAD")
    mine = {(name, line) for name, line in mine if name != "tox.ini"}  # saved on Windows, no edit
    made_from = ["--from", str(classic), "--at", "v1", "--trust", *CONTEXT]
    words = {"cruft": [], "first-commit": ["--base", "HEAD~1"]}.get(engine, made_from)

    code = adopt(releases, project, *words)

    said = capsys.readouterr().out
    assert code == 0, said
    assert git(project, "rev-list", "--count", f"HEAD..{BRANCH}").strip() == "1"
    git(project, "branch", "--move", BRANCH, "other")
    assert state(project)[1:] == before[1:]
    git(project, "branch", "--move", "other", BRANCH)
    paths = set(git(project, "ls-tree", "-r", "--name-only", BRANCH).splitlines())
    assert paths >= KEPT | {"run.py", "contract.toml", "docs/adoption.md"}
    assert paths & (GONE | {"setup.py", ".cruft.json", "docs/index.md"}) == set()
    every = {(name, line) for name in paths for line in shown(project, name).splitlines()}
    assert mine <= every
    assert "<<<<<<< yours\n" in shown(project, "docs/runbook.md")
    assert git(project, "grep", "-l", "^<<<<<<< ", BRANCH).split() == [f"{BRANCH}:docs/runbook.md"]
    for path, why in (
        ("Makefile", "of the old template, with your edits"),
        ("docs/runbook.md", "resolve the marked conflict"),
        ("requirements.txt", "the lock lacks humanize"),
        ("src/features/own.py", "it names src/data/make_dataset.py, which went away"),
    ):
        assert f"{path}: {why}" in said
        assert f"- [ ] `{path}`: {why}" in shown(project, "docs/adoption.md")
    assert ("hooked" in paths) == (engine == "cruft")  # without --trust, the base has no such file
    if engine != "first-commit":  # nothing tells what was answered
        assert "owner: Ada\n" in shown(project, ".copier-answers.yml")
        assert "python_minor: '3.12'\n" in shown(project, ".copier-answers.yml")
        assert "A short description." not in shown(project, ".copier-answers.yml")
    history = git(project, "log", "--follow", "--format=%s", BRANCH, "--", "docs/findings.md")
    assert history.splitlines() == ["our work", "as made"]


def test_a_plain_repository_keeps_every_byte_and_updates_afterwards(
    releases: Path, tmp_path: Path
) -> None:
    project = plain(tmp_path / "Churn Study")
    mine = {path: shown(project, path, "HEAD") for path in git(project, "ls-files").splitlines()}

    assert adopt(releases, project) == 0

    git(project, "merge", "--quiet", BRANCH)
    for path in (
        "run.py",
        "churn_study/__init__.py",
        "churn_study/model.py",
        "LICENSE",
        "setup.py",
    ):
        assert (project / path).read_text("utf-8") == mine[path]
    assert (project / "run.py.template").read_text("utf-8").startswith("#!/usr/bin/env python3")
    assert (project / "README.md").read_text("utf-8").startswith(mine["README.md"])
    assert mine[".gitignore"] in (project / ".gitignore").read_text("utf-8")
    merged = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    assert merged["project"]["name"] == "churn-study"
    assert merged["project"]["dependencies"] == ["humanize"]
    assert merged["tool"]["black"] == {"line-length": 79}
    assert "humanize>=4" in merged["dependency-groups"]["train"]
    assert merged["tool"]["run"]["verbs"]["up"]
    answers = (project / ".copier-answers.yml").read_text("utf-8")
    assert "licence: apache\n" in answers
    assert "ci: gitlab\n" in answers

    settled = git(project, "rev-parse", "HEAD").strip()
    update(project, {})
    assert not conflicts(project)
    commit(project, "updated")
    assert added(project, settled, "HEAD") >= {(".gitignore", ".coverage")}
    assert (project / "docs/on-call.md").exists()
    for path, text in mine.items():
        now = (project / path).read_text("utf-8")
        if path != "pyproject.toml":
            assert {*text.splitlines()} <= {*now.splitlines()}


def plain(project: Path) -> Path:
    """A repository that no template made, with names that this one takes too."""
    files = {
        "pyproject.toml": '[project]\nname = "churn-study"\nversion = "1.2.3"\n'
        'requires-python = ">=3.10"\ndependencies = ["humanize"]\n\n[dependency-groups]\n'
        'train = ["humanize>=4"]\n\n[tool.black]\nline-length = 79\n',
        "README.md": "# Churn\n\nWho leaves?\n",
        "LICENSE": "Apache License\nVersion 2.0\n",
        "setup.py": "from setuptools import setup\n\nsetup(author='Ada')\n",
        "run.py": "print('my own')\n",
        "churn_study/__init__.py": "",
        "churn_study/model.py": "MODEL = 1\n",
        ".gitignore": "/private/\n!/private/keep\n",
        ".gitlab-ci.yml": "test:\n  script: [pytest]\n",
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8", newline="\n")
    git(project, "init", "--quiet")
    commit(project, "first")
    return project


def dirty(project: Path) -> None:
    (project / "new.txt").write_text("mine\n", "utf-8")


def detached(project: Path) -> None:
    git(project, "checkout", "--quiet", "--detach")


def unborn(project: Path) -> None:
    shutil.rmtree(project / ".git")
    git(project, "init", "--quiet")


def copied(project: Path) -> None:
    (project / ".copier-answers.yml").write_text("_commit: v1\n", "utf-8")
    commit(project, "copied")


def own_app(project: Path) -> None:
    (project / "src/app").mkdir(parents=True)
    (project / "src/app/main.py").write_text("MAIN = 1\n", "utf-8")
    commit(project, "a package")


def own_engine(project: Path) -> None:
    (project / "engine.py").write_text("ENGINE = 1\n", "utf-8")
    commit(project, "a module")


def broken_record(project: Path) -> None:
    (project / ".cruft.json").write_text("{", "utf-8")
    commit(project, "broken")


@pytest.mark.parametrize(
    ("spoil", "words", "line"),
    [
        (dirty, [], "commit or stash first: new.txt differs"),
        (detached, [], "is on no branch"),
        (unborn, [], "has no commit yet"),
        (lambda project: shutil.rmtree(project / ".git"), [], "is not a git repository"),
        (copied, [], "is a Copier project already"),
        (broken_record, [], ".cruft.json is no JSON"),
        (lambda project: git(project, "branch", BRANCH), [], f"there is a branch {BRANCH} already"),
        (None, ["--branch", "a..b"], "a..b"),
        (None, ["-d", "model=nope"], "answers refused: model=nope: valid values: "),
        (own_app, [], "src/app/main.py: app is a package of the template"),
        (own_engine, [], "rename yours first: git mv engine my_engine"),
        (None, ["-d", "model"], "-d model: not of the form QUESTION=ANSWER"),
        (None, ["--context", "nowhere"], "--context nowhere: neither NAME=VALUE nor a file"),
        (None, ["--base", "nowhere"], "--base nowhere: there is no such commit"),
        (None, ["--from", "/nowhere"], "/nowhere"),
        (None, ["--release", "v0.0.7"], "v0.0.7"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(
    releases: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: object,
    words: list[str],
    line: str,
) -> None:
    project = plain(tmp_path / "churn")
    if callable(spoil):
        spoil(project)
    before = subprocess.run(["git", "for-each-ref"], cwd=project, capture_output=True).stdout

    code = adopt(releases, project, *words)

    said = capsys.readouterr()
    assert code == 1, said.out
    assert said.err.startswith("adopt: ")
    assert len(said.err.splitlines()) == 1, said.err
    assert line in said.err
    after = subprocess.run(["git", "for-each-ref"], cwd=project, capture_output=True).stdout
    assert after == before


def test_a_commit_that_yaml_takes_for_a_number_is_told_as_git_tells_it(
    releases: Path, tmp_path: Path
) -> None:
    source, project = tmp_path / "copier-ml", plain(tmp_path / "churn")
    git(tmp_path, "clone", "--quiet", str(releases), str(source))
    git(source, "tag", "--delete", *git(source, "tag").split())
    name = digits_only(source)

    assert main([str(project), "--source", str(source), "--release", name]) == 0

    said = git(project, "log", "-1", "--format=%s", BRANCH)
    assert said == f"Adopt copier-ml {name}\n"


def test_a_full_disk_and_a_kill_leave_the_project_as_it_was(releases: Path, tmp_path: Path) -> None:
    project = plain(tmp_path / "churn")
    before = state(project)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    words = [str(project), "--source", str(releases), "--release", NOW]
    call = [sys.executable, "-m", "extensions.adopt", *words]

    full = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, **no_room())
    running = subprocess.Popen(
        call, cwd=ROOT, env=os.environ | {"TMPDIR": str(scratch)}, start_new_session=True
    )
    while not list(scratch.glob("*/render-0/*/src")) and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)

    assert running.wait() == -signal.SIGKILL
    assert full.returncode == 1, full.stdout
    assert len(full.stderr.splitlines()) == 1, full.stderr
    assert state(project) == before
    assert adopt(releases, project) == 0


def test_odd_things_in_a_repository_stay_what_they_are(releases: Path, tmp_path: Path) -> None:
    project = plain(tmp_path / "churn")
    for path, data in (("tools/lock.py", b"\xff\0"), ('caf\xe9 "x"/a.txt', b"a\r\n")):
        (project / path).parent.mkdir()
        (project / path).write_bytes(data)
    (project / "data").symlink_to("/somewhere")
    (project / "readme.md").write_text("# A\n", "utf-8")
    (project / "README.md").unlink()
    (project / "churn_study/model.py").chmod(0o755)
    (project / "pyproject.toml").write_text("[project\n", "utf-8")
    commit(project, "odd")

    assert adopt(releases, project) == 0

    changed = git(project, "diff", "--no-renames", "--name-status", "HEAD", BRANCH).splitlines()
    kept = [line for line in changed if not line.startswith("A\t")]
    assert kept == ["M\t.gitignore", "D\treadme.md"]
    page = shown(project, "docs/adoption.md")
    assert "it has no place: data is yours" in page
    for path in ("pyproject.toml", "tools/lock.py"):
        assert f"`{path}`: yours stays; merge {path}.template into it" in page
        assert shown(project, f"{path}.template")
    assert shown(project, "README.md").startswith("# A\n")
