"""`run.py template` asks for releases, and lets the newest one's code do what is asked."""

from __future__ import annotations

import os
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
        ("v1.0.0", 2, "1.2.0 is out, this is v1.0.0"),
        ("v1.0.0-3-gabc1234", 2, "1.2.0 is out"),
        ("v1.2.0", 0, "v1.2.0 is the newest release"),
        ("v1.2.0-1-gabc1234", 0, "is the newest release"),
        ("1.10.0", 0, "is the newest release"),
        ("4cfaa79", 2, "1.2.0 is out, this is 4cfaa79"),
    ],
)
def test_the_newest_release_decides(
    asked: Path, capsys: pytest.CaptureFixture[str], commit: str, code: int, said: str
) -> None:
    made_from(asked, commit)

    assert template.main([]) == code
    assert said in capsys.readouterr().out


@pytest.mark.usefixtures("asked")
def test_a_template_without_releases_is_no_alarm(source: Path) -> None:
    git(source, "tag", "--delete", "v1.0.0", "v1.2.0", "v2.0.0rc1", "v2.0.0-rc1")

    assert template.main(["check"]) == 0


@pytest.mark.parametrize("words", [["check"], ["diff"], ["update", "--to", "v1.2.0"]])
def test_a_template_out_of_reach_is_said(
    asked: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    asked.write_text("_commit: v1.0.0\n_src_path: /nowhere\n", encoding="utf-8")

    assert template.main(words) == 1
    assert capsys.readouterr().out.startswith("template: /nowhere cannot be reached: ")


def test_without_answers_there_is_nothing_to_compare(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.unlink()

    assert template.main([]) == 1
    assert ".copier-answers.yml does not say where" in capsys.readouterr().out


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
    first = git(source, "rev-parse", "--short", "v1.0.0").strip()
    git(source, "tag", "--delete", *git(source, "tag").split())
    made_from(asked, first)

    assert template.main(["update", "-d", "model=mlp"]) == 3
    assert "updater of v1.0.0: " in capfd.readouterr().out


def test_a_recorded_commit_that_nobody_has_is_named(
    asked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_from(asked, "v1.2.0-4-gabc1234")

    assert template.main(["update", "-d", "model=mlp"]) == 1
    said = capsys.readouterr().out
    assert "has no v1.2.0-4-gabc1234; name in .copier-answers.yml the release" in said
    assert len(said.splitlines()) == 1


def test_where_nothing_is_newer_no_code_is_fetched(
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
    )
    while not (asked.parent / "begun").exists() and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(how)

    assert running.communicate()[1] == ""
    assert running.returncode == code
    assert not list(scratch.iterdir())
    time.sleep(2.5)
    assert not (asked.parent / "done").exists()


def test_the_changelog_tells_what_the_releases_in_between_bring() -> None:
    log = "# Changelog\n\n## 1.2.0\n\nc\n\n## 1.1.0 (soon)\n\nb\n\n## 1.0.0\n\na\n"

    assert changes(log, (1, 0, 0), (1, 2, 0)) == "1.2.0\n\nc\n\n1.1.0 (soon)\n\nb"
    assert changes(log, (1, 1, 0), (1, 1, 0)) == ""
    assert changes(log, (), (1, 0, 0)) == "1.0.0\n\na"
