"""Pieces of `new` that no terminal is needed for."""

from __future__ import annotations

from pathlib import Path

import pytest
from copier._main import Worker

from extensions.new.command import New
from extensions.new.ending import python
from extensions.new.first_commit import CommitError, commit, obstacle
from extensions.new.kept import Kept, Shelf

from .conftest import git

KEPT = Kept("needs", {"problem": "regression", "p99_ms": 20, "personal_data": True})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A shelf in a state folder of its own."""
    monkeypatch.setattr("extensions.new.kept.user_state_path", lambda _: tmp_path / "state")
    return Shelf(tmp_path / "churn")


def test_answers_come_back_as_they_were_and_each_destination_has_its_own(
    shelf: Shelf, tmp_path: Path
) -> None:
    assert shelf.load() is None
    assert shelf.save(KEPT)

    assert Shelf(tmp_path / "x/../churn").load() == KEPT
    assert Shelf(tmp_path / "other").load() is None
    shelf.forget()
    assert shelf.load() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"depth": "needs", "told": 3}'])
def test_a_file_that_nobody_can_read_is_nothing_to_go_on_with(shelf: Shelf, text: str) -> None:
    shelf.save(KEPT)
    shelf.path.write_text(text, "utf-8")

    assert shelf.load() is None


def test_where_nothing_can_be_written_nothing_is_said_to_be_kept(
    shelf: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file", "utf-8")

    assert not shelf.save(KEPT)
    shelf.forget()


def test_ctrl_c_while_files_are_written_leaves_no_half_of_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(worker: Worker) -> None:
        worker.dst_path.mkdir(exist_ok=True)
        (worker.dst_path / "half.py").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "run_copy", interrupted)
    (tmp_path / "old").mkdir()
    for name in ("new", "old"):
        with pytest.raises(KeyboardInterrupt):
            New("new").copy(Worker(src_path=".", dst_path=tmp_path / name))

    assert not (tmp_path / "new").exists()
    assert (tmp_path / "old").exists()  # what was there before is not ours to remove


def test_the_name_of_python_is_one_outside_of_this_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "venv/python3"))
    for place, name in (("venv", "python3"), ("bin", "python")):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'venv'}:{tmp_path / 'bin'}")

    assert python() == "python"


def test_what_git_refuses_is_said_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert obstacle(tmp_path / "new") == ""
    (tmp_path / "new").mkdir()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # of whoever called: not ours

    with pytest.raises(CommitError, match="git commit: "):
        commit(tmp_path / "new", "nothing to commit")

    assert not (tmp_path / "elsewhere").exists()
    monkeypatch.delenv("GIT_DIR")
    assert git(tmp_path / "new", "rev-parse", "--is-inside-work-tree") == "true\n"
