"""`run.py template` in a rendered repository: a branch with one commit, or nothing at all."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extensions.update import __main__ as updater
from extensions.update import carry, locks
from extensions.update.project import borrow, lend_data
from template.tools.template import recorded

from . import owner
from .conftest import ROOT, Render, git
from .conversation import CONVERSATION
from .releases import (
    LATER,
    NEXT,
    NOW,
    REMOVED,
    RENAMED,
    commit,
    digits_only,
    grow,
    name_of,
    publish,
    render_at,
    replace,
    tree,
)

TRAIN = '\ntrain = [\n    "humanize==4.12.0",\n'
BRANCH = f"template-{NEXT}"
VERB = [sys.executable, "-m", "tools.template"]
UPDATER = [sys.executable, "-m", "extensions.update", "--of"]


def typed(project: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The verb as run.py calls it: the updater comes from the newest release."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*VERB, *words], cwd=project, capture_output=True, text=True, check=False, **more
    )


def ask(project: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The updater of the working tree, in the environment of the tests."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*UPDATER, str(project), *words],
        cwd=ROOT, capture_output=True, text=True, check=False, **more,
    )  # fmt: skip


def state(project: Path) -> tuple[str, str, str]:
    """Every branch and tag, what is checked out, and what differs from it."""
    refs = git(project, "for-each-ref")
    return refs, git(project, "rev-parse", "--abbrev-ref", "HEAD"), git(project, "status", "-s")


def edit(folder: Path) -> None:
    """An owner's edits that no release touches."""
    owner.append(folder / "src/app/features.py", "\n\ndef mine() -> str:\n    return 'mine'\n")
    (folder / "contract.toml").write_text("# wholly my own\n", "utf-8")
    owner.append(folder / "README.md", "\n## Ours\n")
    (folder / owner.DELETED).unlink()


def annotate(*paths: str) -> Callable[[Path], None]:
    """An edit at the end of these files."""

    def change(folder: Path) -> None:
        for path in paths:
            owner.append(folder / path, "# ours\n")

    return change


def no_room() -> dict[str, Any]:
    """How to start a process for which no file can grow any more, as on a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    # Python would keep the half of a compiled module that fits, here in the tests' environment.
    return {"preexec_fn": limit, "env": os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}}


def test_an_update_is_one_commit_on_a_branch_and_follows_moved_files(
    releases: Path, tmp_path: Path
) -> None:
    project = render_at(releases, NOW, tmp_path / "demo", {})
    replace(project / ".copier-answers.yml", str(releases), f"git+file://{releases}")
    owner.adopt(project, edit, annotate(RENAMED[0]))
    before = state(project)

    done = typed(project, "update", "--no-tests", "-d", "model=linear")

    assert done.returncode == 0, done.stdout + done.stderr
    assert state(project)[1:] == before[1:]
    assert git(project, "rev-list", "--count", f"HEAD..{BRANCH}").strip() == "1"
    told = f"{NEXT[1:]}\n\n- A page on handing over.\n\nWhat you must do: nothing.\n"
    assert told in done.stdout
    message = git(project, "log", "-1", "--format=%B", BRANCH)
    assert message == f"Template {NOW} -> {NEXT}\n\n{told}\n"
    git(project, "merge", "--quiet", BRANCH)
    expected = render_at(releases, NEXT, tmp_path / "fresh" / "demo", {"model": "linear"})
    replace(expected / ".copier-answers.yml", str(releases), f"git+file://{releases}")
    edit(expected)
    annotate(RENAMED[1])(expected)
    assert tree(project) == tree(expected)


def test_an_edited_file_that_the_template_removed_is_a_conflict(
    releases: Path, tmp_path: Path
) -> None:
    project = render_at(releases, NOW, tmp_path / "demo", {})
    owner.adopt(project, annotate(REMOVED, owner.CI[0]))
    before = state(project)

    done = ask(project, "update", "--no-tests", "-d", "ci=gitlab")

    assert done.returncode == 3, done.stdout + done.stderr
    for path in (REMOVED, owner.CI[0]):
        assert f"{path}: removed or moved by the template, edited here" in done.stdout
    assert state(project) == before

    done = ask(project, "update", "--resolve")

    assert done.returncode == 3, done.stdout + done.stderr
    assert "# ours" in (project / REMOVED).read_text("utf-8")
    assert REMOVED in git(project, "ls-files", "--unmerged")
    git(project, "cherry-pick", "--abort")
    git(project, "switch", "--quiet", "main")
    git(project, "branch", "-D", BRANCH)
    assert state(project) == before


def test_what_would_change_is_shown_and_nothing_is_done(releases: Path, tmp_path: Path) -> None:
    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}))
    before = state(project)

    done = typed(project, "diff")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "+.coverage" in done.stdout
    assert done.stdout.startswith("diff --git")
    assert "What you must do: nothing." in done.stderr
    steps = [f"the updater of {NEXT} installs what it needs, once", f"rendering {NOW} and {NEXT}"]
    told = [f"reading the releases of {releases} ...", steps[0], "installing ", steps[1]]
    assert done.stderr.startswith(f"template: {told[0]}")
    places = [done.stderr.find(each) for each in told]
    assert places == sorted(places)
    assert min(places) > 0
    assert f"rename to {RENAMED[1]}" in done.stdout
    assert state(project) == before


def test_a_look_says_at_once_what_it_does_and_installs_nothing(
    releases: Path, tmp_path: Path
) -> None:
    project = render_at(releases, NOW, tmp_path / "demo", {})
    call = [sys.executable, "run.py", "template"]

    done = subprocess.run(call, cwd=project, capture_output=True, text=True, check=False)

    assert done.stderr == f"template: reading the releases of {releases} ...\n"
    assert f"template: {NEXT} is out, this is {NOW}" in done.stdout
    assert done.returncode == 2
    assert not (project / ".venv").exists()


def test_an_answer_that_is_refused_is_one_line(releases: Path, tmp_path: Path) -> None:
    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}))

    done = ask(project, "update", "-d", "model=nope")

    assert done.returncode == 1
    assert done.stdout.startswith("template: answers refused: model=nope: valid values: ")
    assert len(done.stdout.splitlines()) == 1


@pytest.fixture
def small(releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project that holds little but its answers, seen from the folder around it."""
    monkeypatch.chdir(tmp_path)  # and back, after the updater has moved
    monkeypatch.setenv("CALLED_FROM", str(tmp_path.parent))
    answers = f"_commit: {NOW}\n_src_path: {releases}\n"
    (tmp_path / ".copier-answers.yml").write_text(answers, "utf-8")
    owner.adopt(tmp_path)
    (tmp_path / "new.txt").write_text("mine\n", "utf-8")
    return tmp_path.name


def test_the_updater_says_what_is_newer(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert updater.main(["--of", small, "check"]) == 2
    assert f"template: {NEXT} is out, this is {NOW}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["update"], "commit or stash first: new.txt and 0 more differ"),
        (["diff", "--to", LATER], f"there is no release {LATER}; the newest is {NEXT}"),
        (["update", "-d", "model"], "-d model: not of the form QUESTION=ANSWER"),
        (["upgrade"], "argument action: invalid choice: 'upgrade' (choose from 'check', "),
        (["update", "--resolved"], "unrecognized arguments: --resolved; see --help"),
    ],
)
def test_what_stands_in_the_way_is_one_line(
    small: str, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert updater.main(["--of", small, *words]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(f"template: {said}")
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize("head", ["after a tag", "no tag", "no tag, digits only"])
def test_a_project_made_from_an_untagged_commit_answers_differently(
    releases: Path, tmp_path: Path, head: str
) -> None:
    source = tmp_path / "copier-ml"
    git(tmp_path, "clone", "--quiet", str(releases), str(source))
    commit(source, "after the newest release")
    if head != "after a tag":
        git(source, "tag", "--delete", *git(source, "tag").split())
    name = digits_only(source) if "digits" in head else name_of(source)
    project = owner.adopt(render_at(source, name, tmp_path / "demo", {}), edit)
    assert recorded(project) == (str(source), name)

    done = ask(project, "update", "--no-tests", "-d", "model=linear")

    assert done.returncode == 0, done.stdout + done.stderr
    git(project, "merge", "--quiet", f"template-{name}")
    expected = render_at(source, name, tmp_path / "fresh" / "demo", {"model": "linear"})
    edit(expected)
    assert tree(project) == tree(expected)
    assert ask(project).returncode == 0  # nothing is newer


def test_a_full_disk_and_a_kill_leave_everything_as_it_was(releases: Path, tmp_path: Path) -> None:
    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}))
    before = state(project)

    full = [each(project, "update", "--no-tests", **no_room()) for each in (ask, typed)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = subprocess.Popen(
        [*UPDATER, str(project), "update", "--no-tests"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    while not list(scratch.glob("*/after")) and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)

    assert running.wait() == -signal.SIGKILL
    for done in full:
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout.startswith("template: ")
    assert state(project) == before


FULL = """
mount -t tmpfs -o size=24m none "$1"
cp -a "$2/." "$1"
cd "$1"
shift 2
git status -s
cat /dev/zero > .git/filler || true
"$@"
echo "code $?"
rm .git/filler
git fsck
git for-each-ref
git rev-parse --abbrev-ref HEAD
git status -s
"""


def test_a_disk_that_is_full_at_the_last_step_leaves_everything_as_it_was(
    releases: Path, tmp_path: Path
) -> None:
    unshare = ["unshare", "--mount", "--map-root-user"]
    may = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    if may.returncode and not (os.environ.get("CI") and os.geteuid() == 0):
        pytest.skip("no small disk can be made here (unshare, mount)")
    project = owner.adopt(render_at(releases, NOW, tmp_path / "demo", {}))
    before = state(project)
    place = tmp_path / "disk"
    place.mkdir()

    call = [*unshare, "sh", "-c", FULL, "sh", str(place), str(project), *VERB, "update"]
    done = subprocess.run([*call, "--no-tests"], capture_output=True, text=True)

    said, _, after = done.stdout.partition("code 1\n")
    assert "template: git fetch --quiet " in said, done.stdout + done.stderr
    assert " failed: " in said
    assert after == "".join(before)


def test_the_files_left_to_the_owner_are_those_of_the_template() -> None:
    assert list(carry.YOURS) == CONVERSATION["_skip_if_exists"]


def test_a_sample_that_changed_changes_nothing_that_is_the_owners(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, names in ((before, ("a.md", "b.md")), (after, ("b.md", "c.md"))):
        (folder / "corpus").mkdir(parents=True)
        for name in names:
            (folder / "corpus" / name).write_text(f"{folder.name}/{name}", "utf-8")
    (after / "contract.toml").write_text("of another kind", "utf-8")

    carry.keep_yours(before, after)

    found = {file.name: file.read_text("utf-8") for file in after.glob("corpus/*")}
    assert found == {"a.md": "before/a.md", "b.md": "before/b.md"}
    assert (after / "contract.toml").read_text("utf-8") == "of another kind"


def test_a_table_that_git_leaves_out_is_there_for_the_tests_of_the_update(
    render: Render, tmp_path: Path
) -> None:
    project = shutil.copytree(render(), tmp_path / "demo")
    for name in ("data/mine.csv", "top.csv", "data/kept.txt"):
        (project / name).write_text("a,b\n1,2\n", "utf-8")
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "start")
    clone = borrow(project, tmp_path)

    lend_data(project, clone)

    for name in ("data/mine.csv", "top.csv"):
        assert (clone / name).read_text("utf-8") == "a,b\n1,2\n"
        assert not (clone / name).is_symlink()
    assert not git(clone, "status", "--porcelain")  # nobody commits it by the way


def test_a_package_of_ones_own_is_locked_again(render: Render, tmp_path: Path) -> None:
    project = tmp_path / "demo"
    shutil.copytree(render(), project)
    owner.adopt(project, lambda it: replace(it / "pyproject.toml", "\ntrain = [\n", TRAIN))
    first = git(project, "rev-list", "--max-parents=0", "HEAD").strip()

    assert locks.relock(project, first)
    assert "humanize==4.12.0" in (project / "requirements.lock").read_text("utf-8")
    git(project, "checkout", "--quiet", "--force", first)
    assert not locks.relock(project, first)


@pytest.mark.full
def test_an_updated_repository_passes_its_own_tests_with_a_lock_that_holds(tmp_path: Path) -> None:
    def work(folder: Path) -> None:
        annotate("README.md")(folder)
        replace(folder / "pyproject.toml", "\ntrain = [\n", TRAIN)
        mine = "import humanize\n\n\ndef test_mine() -> None:\n    assert humanize.intcomma(1000)\n"
        mine += "    assert open('data/mine.csv').read()  # git leaves it out\n"
        (folder / "data/mine.csv").write_text("a,b\n", "utf-8")
        (folder / "tests/test_mine.py").write_text(mine, "utf-8")

    source = publish(tmp_path / "copier-ml", grow)
    project = owner.adopt(render_at(source, NOW, tmp_path / "demo", {}), work)
    call = [sys.executable, "run.py"]

    done = subprocess.run(
        [*call, "template", "update", "-d", "model=linear"],
        cwd=project,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "the lock was resolved again" in done.stdout
    assert "template: testing the update in a clone, which installs" in done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    assert not re.search(r"\d+ failed", done.stdout)
    git(project, "merge", "--quiet", BRANCH)
    assert "humanize==4.12.0" in (project / "requirements.lock").read_text("utf-8")
    assert "Alarms go to email." in (project / "docs/handover.md").read_text("utf-8")
    subprocess.run([*call, "lock"], cwd=project, check=True)
    assert not git(project, "status", "--short")
