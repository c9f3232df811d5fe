"""`run.py template` says whether the template has a newer release, and ends with 2 if it has."""

import subprocess
from pathlib import Path

import pytest

from tools import releases, template


def git(folder: Path, *words: str) -> None:
    """One git command by somebody who needs no configuration."""
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A template repository with the releases 1.0.0 and 1.2.0 and a candidate for 2.0.0."""
    folder = tmp_path / "template"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "start")
    for tag in ("v1.0.0", "v1.2.0", "v2.0.0rc1", "v2.0.0-rc1", "nightly"):
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
    assert releases.address(recorded) == address


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
    asked.write_text(asked.read_text("utf-8").replace("v1.0.0", commit), encoding="utf-8")

    assert template.main([]) == code
    assert said in capsys.readouterr().out


@pytest.mark.usefixtures("asked")
def test_a_template_without_releases_is_no_alarm(source: Path) -> None:
    git(source, "tag", "--delete", "v1.0.0", "v1.2.0", "v2.0.0rc1", "v2.0.0-rc1")

    assert template.main([]) == 0


def test_a_template_out_of_reach_is_said(asked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked.write_text("_commit: v1.0.0\n_src_path: /nowhere\n", encoding="utf-8")

    assert template.main([]) == 1
    assert "/nowhere cannot be reached" in capsys.readouterr().out


def test_without_answers_there_is_nothing_to_compare(asked: Path) -> None:
    asked.unlink()

    assert template.main([]) == 1


@pytest.mark.usefixtures("asked")
def test_a_release_that_does_not_exist_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert template.main(["diff", "--to", "v1.1.0"]) == 1
    assert "there is no release v1.1.0; the newest is v1.2.0" in capsys.readouterr().out


def test_the_changelog_tells_what_the_releases_in_between_bring() -> None:
    log = "# Changelog\n\n## 1.2.0\n\nc\n\n## 1.1.0 (soon)\n\nb\n\n## 1.0.0\n\na\n"

    assert releases.changes(log, (1, 0, 0), (1, 2, 0)) == "1.2.0\n\nc\n\n1.1.0 (soon)\n\nb"
    assert releases.changes(log, (1, 1, 0), (1, 1, 0)) == ""
    assert releases.changes(log, (), (1, 0, 0)) == "1.0.0\n\na"
