"""`run.py template` asks for releases, and lets the newest one's code do what is asked."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from extensions.update.releases import changes
from template.tools import template

from .conftest import ROOT, git
from .releases import commit

UPDATER = """\
import sys

print("updater of {}:", *sys.argv[1:])
sys.exit(3)
"""
VERB = [sys.executable, str(ROOT / "template/tools/template.py")]


def release(folder: Path, tag: str, name: str = "") -> None:
    """A commit, tagged or not, whose updater says its name and ends with a code of its own."""
    if tag:
        (folder / "releases").mkdir(exist_ok=True)
        (folder / f"releases/{tag[1:]}.txt").write_text("/run.py\n", "utf-8")
    (folder / "run.py").write_text(UPDATER.replace("{}", name or tag), "utf-8")
    commit(folder, name or tag, tag)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A template repository: 1.0.0, a commit, 1.2.0, a commit, and a candidate for 2.0.0."""
    folder = tmp_path / "template"
    folder.mkdir()
    git(folder, "init", "--quiet")
    release(folder, "v1.0.0")
    release(folder, "", "a commit after 1.0.0")
    release(folder, "v1.2.0")
    release(folder, "", "a commit after 1.2.0")
    for tag in ("v2.0.0rc1", "v2.0.0-rc1", "nightly"):
        git(folder, "tag", tag)
    return folder


@pytest.fixture
def asked(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of answers of a project made from that template, where the process stands."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    answers = Path(".copier-answers.yml")
    answers.write_text(f"_commit: v1.0.0\n_src_path: {source}\n", encoding="utf-8")
    return answers.absolute()


def named(source: Path, commit: str) -> str:
    """The name of a commit, with the hash of what stands in braces."""
    short = ("rev-parse", "--short")
    return re.sub(r"\{(.+)\}", lambda it: git(source, *short, it[1] + "^{}").strip(), commit)


def made_from(asked: Path, commit: str) -> None:
    """The project records another commit of the template."""
    asked.write_text(asked.read_text("utf-8").replace("v1.0.0", commit), encoding="utf-8")


@pytest.mark.parametrize(
    ("recorded", "address"),
    [
        ("gh:team/template", "https://github.com/team/template.git"),
        ("gl:team/template.git", "https://gitlab.com/team/template.git"),
        ("git+ssh://host/template", "ssh://host/template"),
        ("/srv/template", "/srv/template"),
    ],
)
def test_short_addresses_are_written_out(recorded: str, address: str) -> None:
    assert template.address(recorded) == address


@pytest.mark.parametrize(
    ("commit", "code", "said"),
    [
        ("v1.0.0", 2, "v1.2.0 is out, this is v1.0.0. Next: python3 run.py template diff"),
        ("{v1.0.0}", 2, "v1.2.0 is out, this is v1.0.0. Next: python3 run.py template diff"),
        ("v1.0.0-1-g{v1.2.0~1}", 2, "v1.2.0 is out, this is 1 commit after v1.0.0. Next: "),
        ("v1.2.0", 0, "v1.2.0 is the newest release\n"),
        ("{v1.2.0}", 0, "v1.2.0 is the newest release\n"),
        ("v1.0.0-2-g{v1.2.0}", 0, "v1.2.0 is the newest release\n"),
        ("{main}", 0, "this is 1 commit after v1.2.0, which is the newest release\n"),
        ("v2.0.0rc1", 0, "this is 1 commit after v1.2.0, which is the newest release\n"),
    ],
)
@pytest.mark.parametrize("tagged", [True, False])
def test_the_newest_release_decides(
    asked: Path, source: Path, capsys: pytest.CaptureFixture[str],
    commit: str, code: int, said: str, tagged: bool,
) -> None:  # fmt: skip
    made_from(asked, named(source, commit))
    if not tagged:
        git(source, "tag", "--delete", "v1.0.0", "v1.2.0")

    assert template.main([]) == code
    assert capsys.readouterr().out.startswith(f"template: {said}")


def test_a_template_without_releases_is_no_alarm(
    asked: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_from(asked, named(source, "{main~1}"))
    git(source, "tag", "--delete", *git(source, "tag").split())
    shutil.rmtree(source / "releases")
    commit(source, "nothing is released")

    assert template.main(["check"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"template: {source} has released nothing yet; this is commit ")
    assert said.endswith(", 2 commits behind its newest\n")


@pytest.mark.parametrize("words", [["check"], ["diff"], ["update", "--to", "v1.2.0"]])
def test_a_template_out_of_reach_is_said(
    asked: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    asked.write_text("_commit: v1.0.0\n_src_path: /nowhere\n", encoding="utf-8")

    assert template.main(words) == 1
    assert capsys.readouterr().out == (
        "template: /nowhere cannot be reached: fatal: repository '/nowhere' does not exist. That is"
        " a folder of the machine on which this was made; another address is written at _src_path"
        " in .copier-answers.yml\n"
    )


def test_without_answers_there_is_nothing_to_compare(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.unlink()

    assert template.main([]) == 1
    said = capsys.readouterr().out
    assert ".copier-answers.yml does not say where" in said
    assert "no _commit and _src_path. Write" in said


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("words", [["upgrade"], ["check", "--to", "v1.2.0"], ["-d", "model=mlp"]])
def test_options_without_work_to_do_are_refused(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert template.main(words) == 1
    assert f"template: {' '.join(words)}: say diff or update with it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("commit", "words", "whose"),
    [
        ("v1.0.0", ["update"], "v1.2.0"),
        ("v1.0.0-1-g{}", ["diff", "-d", "model=mlp"], "v1.2.0"),
        ("v1.0.0", ["update", "--to", "v1.0.0"], "v1.2.0"),
        ("v1.2.0", ["update", "--data", "model=mlp"], "v1.2.0"),
        ("v1.2.0-1-g{}", ["update", "--to=v1.0.0"], "a commit after 1.2.0"),
        ("v1.2.0-1-g{}", ["-dmodel=mlp", "update"], "a commit after 1.2.0"),
    ],
)
def test_the_updater_is_the_newest_one(
    asked: Path,
    source: Path,
    capfd: pytest.CaptureFixture[str],
    commit: str,
    words: list[str],
    whose: str,
) -> None:
    tag, _, later = commit.partition("-")
    following = git(source, "rev-list", "--reverse", f"{tag}..HEAD").split() if later else [""]
    made_from(asked, commit.format(following[0][:7]))

    assert template.main(words) == 3
    passed = f"update --of {asked.parent} {' '.join(words)}"
    assert capfd.readouterr().out == f"updater of {whose}: {passed}\n"


def test_without_any_release_the_updater_is_that_of_the_recorded_commit(
    asked: Path, source: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made_from(asked, named(source, "{v1.0.0}"))
    git(source, "tag", "--delete", *git(source, "tag").split())
    shutil.rmtree(source / "releases")
    commit(source, "nothing is released")

    assert template.main(["update", "-d", "model=mlp"]) == 3
    assert "updater of v1.0.0: " in capfd.readouterr().out


def test_a_recorded_commit_that_nobody_has_is_named(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_from(asked, "v1.2.0-4-gabc1234")

    assert template.main(["update", "-d", "model=mlp"]) == 1
    said = capsys.readouterr().out
    assert "has no v1.2.0-4-gabc1234, the commit that .copier-answers.yml records" in said
    assert "git push --tags origin HEAD" in said
    assert "the newest is v1.2.0" in said
    assert len(said.splitlines()) == 1


def test_where_nothing_is_newer_no_code_of_the_template_runs(
    asked: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made_from(asked, "v1.2.0")

    assert template.main(["update", "--no-tests"]) == 0
    assert capfd.readouterr().out == "template: v1.2.0 is the newest release\n"


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_updater_ends_with_the_verb_that_called_it(
    asked: Path, source: Path, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    work = "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(2)\n"
    (source / "run.py").write_text(work + "pathlib.Path('done').touch()\n", "utf-8")
    commit(source, "slow", "v3.0.0")
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    running = subprocess.Popen(
        [*VERB, "update"],
        cwd=asked.parent,
        env=os.environ | {"TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        # a shell lets what it starts in the background ignore Ctrl-C, and so all that follows
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (asked.parent / "begun").exists() and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(how)

    said = running.communicate()[1].splitlines()
    assert said == [
        f"template: reading the releases of {source} ...",
        "template: the updater of v3.0.0 installs what it needs, once, in a folder that goes away "
        "again ...",
    ]
    assert running.returncode == code
    assert not list(scratch.iterdir())
    time.sleep(2.5)
    assert not (asked.parent / "done").exists()


def test_the_changelog_tells_what_the_releases_in_between_bring() -> None:
    log = "# Changelog\n\n## 1.2.0\n\nc\n\n## 1.1.0 (soon)\n\nb\n\n## 1.0.0\n\na\n"

    assert changes(log, (1, 0, 0), (1, 2, 0)) == "1.2.0\n\nc\n\n1.1.0 (soon)\n\nb"
    assert changes(log, (1, 1, 0), (1, 1, 0)) == ""
    assert changes(log, (), (1, 0, 0)) == "1.0.0\n\na"
