import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine.commands import registry as command
from engine.core.errors import BundleError, RegistryError, RunError
from engine.core.storage import Storage
from engine.registry import history, registry, runs
from engine.registry.bundle import CONTRACT, MODEL, REFERENCE
from engine.registry.sealed import MANIFEST
from engine.tracking import backend
from engine.training import card

from . import small_bundle
from .made_up import inside


@pytest.fixture
def books(tmp_path: Path) -> registry.Registry:
    """A registry with three versions and no champion."""
    return small_bundle.three_versions(tmp_path)


def test_the_latest_version_is_the_challenger(books: registry.Registry) -> None:
    state = books.state()

    assert (state.champion, state.challenger) == (None, 3)
    assert list(state.versions) == [1, 2, 3]


def test_promotion_and_rollback_move_the_champion(books: registry.Registry) -> None:
    books.promote(1)
    books.promote()
    assert (books.state().champion, books.state().challenger) == (3, None)

    books.rollback("slow")

    assert books.state().champion == 1
    assert books.load()[1].manifest.run_id == "one"


def test_a_foreign_file_is_no_state(books: registry.Registry) -> None:
    books.promote(2)
    folder = Path(books.storage.path("registry"))
    (folder / "zzz.json").write_text("{}")
    (folder / "99999999 copy.json").write_text("{}")

    assert books.state().champion == 2
    books.promote(3)
    assert books.state().champion == 3


def test_what_a_killed_process_left_is_cleared_once_it_is_old(books: registry.Registry) -> None:
    store = Path(books.storage.root)
    for folder in (store, store / "registry", *(store / "versions").iterdir()):
        for name, age in ((".part-old", 7200), (".part-new", 0)):
            (folder / name).write_text("half")
            os.utime(folder / name, (time.time() - age,) * 2)

    books.promote(2)

    assert {path.name for path in store.rglob(".part-*")} == {".part-new"}


def test_every_change_is_audited(books: registry.Registry) -> None:
    books.promote(2, "looks good")
    books.promote(3)
    books.rollback("too many complaints")

    lines = [(e.action, e.version, e.before, e.reason) for e in books.state().history[3:]]
    assert lines == [
        ("promote", 2, None, "looks good"),
        ("promote", 3, 2, ""),
        ("rollback", 2, 3, "too many complaints"),
    ]
    assert all(event.by and event.at for event in books.state().history)


def test_what_cannot_be_done_is_refused_with_a_way_out(books: registry.Registry) -> None:
    for needs_champion in (books.load, books.rollback):
        with pytest.raises(RegistryError, match=r"no champion yet.*run\.py up"):
            needs_champion()
    with pytest.raises(RegistryError, match=r"no version 9; known: 1, 2, 3"):
        books.promote(9)
    with pytest.raises(RegistryError, match=r"no version 0"):
        books.promote(0)
    books.promote()
    with pytest.raises(RegistryError, match=r"no challenger.*run\.py train"):
        books.promote()
    with pytest.raises(RegistryError, match="version 3 is the champion already"):
        books.promote(3)
    with pytest.raises(RegistryError, match=r"no champion before.*are: 1, 2\).*promote --v"):
        books.rollback()

    assert books.state().champions == [3]


def test_an_only_version_has_no_other_to_go_back_to(tmp_path: Path) -> None:
    place = Storage(tmp_path / "store")
    small_bundle.register(place, tmp_path / "scratch", "one")
    books = registry.Registry(place)
    books.promote()

    with pytest.raises(RegistryError, match=r"present one \(1\); it is the only version$"):
        books.rollback()


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    place = Storage(tmp_path / "store")

    assert "run.py up" in history.table(registry.Registry(place).state())
    with pytest.raises(RunError, match=r"no run 'one'.*run\.py train"):
        runs.load(place, "one")


@pytest.mark.parametrize("file", [MODEL, CONTRACT, REFERENCE, MANIFEST])
def test_an_altered_bundle_never_becomes_champion(books: registry.Registry, file: str) -> None:
    books.promote(1)
    books.promote(2)
    for run_id in ("one", "three"):
        path = f"{registry.version_folder(run_id)}/{file}"
        books.storage.write(path, books.storage.read(path) + b" ")

    with pytest.raises(BundleError, match=rf"version 3 cannot answer.*{file}"):
        books.promote(3)
    with pytest.raises(BundleError, match=rf"version 1 cannot answer.*{file}"):
        books.rollback()

    assert books.state().champions == [1, 2]
    with pytest.raises(BundleError, match=file):
        books.load(1)


@pytest.mark.parametrize("content", [b'{"versions": ', b"{}"], ids=["half", "another file"])
def test_a_broken_state_is_named_with_the_way_back(
    books: registry.Registry, content: bytes
) -> None:
    books.promote(1)
    books.promote(2)
    last = f"registry/{books.state().number:08d}.json"
    books.storage.write(last, content)

    with pytest.raises(RegistryError, match=rf"{last} is broken.*delete it"):
        books.state()

    books.storage.remove(last)
    assert books.state().champion == 1


@pytest.mark.usefixtures("books")
def test_the_verbs_change_the_champion_and_show_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrored: list[Any] = []
    with inside(tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "mirror", lambda _, state: mirrored.append(state.champion))
        patch.setattr(card, "write_card", lambda *_: None)
        patch.setattr(runs, "load", lambda *_: None)
        command.main(["promote", "--version", "2"])
        command.main(["promote", "--reason", "better on all slices"])
        command.main(["rollback"])
        capsys.readouterr()

        assert command.main(["history"]) == 0

    shown = capsys.readouterr().out
    assert mirrored == [2, 3, 2]
    assert [line.split()[-1] for line in shown.splitlines()[1:4]][1] == "champion"
    assert "better on all slices" in shown
    assert [line.split()[1] for line in shown.splitlines()[6:]] == [
        *["register"] * 3,
        *["promote"] * 2,
        "rollback",
    ]
