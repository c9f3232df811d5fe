import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest

from . import small_bundle
from .conftest import bundle, errors, registry, storage, tracking
from .made_up import inside


def add(place: storage.Storage, scratch: Path, run_id: str) -> int:
    """Register a new version."""
    digest = small_bundle.make(scratch / run_id, run_id, run_id.encode())
    version: int = registry.Registry(place).register(
        scratch / run_id, run_id, digest, small_bundle.METRICS
    )
    return version


@pytest.fixture
def books(tmp_path: Path) -> registry.Registry:
    """A registry with three versions and no champion."""
    place = storage.Storage(tmp_path / "store")
    for run_id in ("one", "two", "three"):
        add(place, tmp_path / "scratch", run_id)
    return registry.Registry(place)


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
    with pytest.raises(errors.RegistryError, match=r"no champion yet.*run\.py up"):
        books.load()
    with pytest.raises(errors.RegistryError, match=r"no version 9; known: 1, 2, 3"):
        books.promote(9)
    with pytest.raises(errors.RegistryError, match=r"no version 0"):
        books.promote(0)
    books.promote()
    with pytest.raises(errors.RegistryError, match=r"no challenger.*run\.py train"):
        books.promote()
    with pytest.raises(errors.RegistryError, match="version 3 is the champion already"):
        books.promote(3)
    with pytest.raises(errors.RegistryError, match=r"no champion before.*promote --version"):
        books.rollback()

    assert books.state().champions == [3]


@pytest.mark.parametrize("file", [bundle.MODEL, bundle.CONTRACT, bundle.REFERENCE, bundle.MANIFEST])
def test_an_altered_bundle_never_becomes_champion(books: registry.Registry, file: str) -> None:
    books.promote(1)
    books.promote(2)
    for run_id in ("one", "three"):
        path = f"{registry.folder(run_id)}/{file}"
        books.storage.write(path, books.storage.read(path) + b" ")

    with pytest.raises(errors.BundleError, match=rf"version 3 cannot answer.*{file}"):
        books.promote(3)
    with pytest.raises(errors.BundleError, match=rf"version 1 cannot answer.*{file}"):
        books.rollback()

    assert books.state().champions == [1, 2]
    with pytest.raises(errors.BundleError, match=file):
        books.load(1)


class Dying(storage.Storage):
    """A store whose process dies just before or just after the n-th file is written."""

    left, after = 0, False

    def write(self, name: str, content: bytes) -> None:
        self._die(lambda: super(Dying, self).write(name, content))

    def create(self, name: str, content: bytes) -> bool:
        return bool(self._die(lambda: super(Dying, self).create(name, content)))

    def _die(self, step: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise SystemExit
        done = step()
        if self.left == 0:
            raise SystemExit
        return done


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("action", ["register", "promote", "rollback"])
def test_a_crash_between_steps_leaves_the_old_state_or_the_new_one(
    books: registry.Registry, tmp_path: Path, action: str, after: bool
) -> None:
    books.promote(1)
    books.promote(2)
    dying = Dying(tmp_path / "store")
    old, crashes = books.state().champion, 0

    for step in range(1, 10):
        dying.left, dying.after = step, after
        try:
            if action == "register":
                add(dying, tmp_path / f"scratch{step}", "four")
            else:
                getattr(registry.Registry(dying), action)()
            break
        except SystemExit:
            crashes += 1
        state = books.state()
        assert state.champion in (old, {"promote": 3, "rollback": 1}.get(action, old))
        if state.champion != old or len(state.versions) > 3:
            break

    assert crashes
    books.load()
    add(books.storage, tmp_path / "later", "five")
    assert books.promote() == max(books.state().versions)


def register_some(store: str, name: str) -> None:
    """Runs in a process of its own."""
    for number in range(8):
        add(storage.Storage(store), Path(store).parent / name, f"{name}{number}")


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    store, spawn = str(tmp_path / "store"), multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=register_some, args=(store, name)) for name in ("a", "b")]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    state = registry.Registry(storage.Storage(store)).state()
    assert list(state.versions) == list(range(1, 17))
    assert len({version.run_id for version in state.versions.values()}) == 16
    assert [event.version for event in state.history] == list(range(1, 17))
    for version in state.versions:
        registry.Registry(storage.Storage(store)).load(version)


def change_forever(store: str) -> None:
    """Runs in a process of its own until it is killed."""
    books = registry.Registry(storage.Storage(store))
    while True:
        books.promote(3)
        books.rollback()


def test_a_killed_process_blocks_nobody(books: registry.Registry) -> None:
    books.promote(1)
    spawn = multiprocessing.get_context("spawn")
    for _ in range(2):
        worker = spawn.Process(target=change_forever, args=(books.storage.url,))
        before = books.state().number
        worker.start()
        give_up = time.monotonic() + 60
        while books.state().number < before + 3 and time.monotonic() < give_up:
            time.sleep(0.01)
        worker.kill()
        worker.join()

        assert books.state().number >= before + 3
        assert books.state().champion in (1, 3)
        books.promote(2)
        assert books.state().champion == 2


def test_a_broken_state_is_named_with_the_way_back(books: registry.Registry) -> None:
    books.promote(1)
    books.promote(2)
    last = f"registry/{books.state().number:08d}.json"
    books.storage.write(last, b'{"versions": ')

    with pytest.raises(errors.RegistryError, match=rf"{last} is broken.*delete it"):
        books.state()

    books.storage.remove(last)
    assert books.state().champion == 1


def test_the_verbs_change_the_champion_and_show_it(
    books: registry.Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrored: list[Any] = []
    with inside(tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "mirror", lambda _, state: mirrored.append(state.champion))
        patch.setattr(registry, "_write_card", lambda *_: None)
        registry.main(["promote", "--version", "2"])
        registry.main(["promote", "--reason", "better on all slices"])
        registry.main(["rollback"])
        capsys.readouterr()

        assert registry.main(["history"]) == 0

    shown = capsys.readouterr().out
    assert mirrored == [2, 3, 2]
    assert [line.split()[-1] for line in shown.splitlines()[1:4]][1] == "champion"
    assert "better on all slices" in shown
    assert [line.split()[1] for line in shown.splitlines()[6:]] == [
        *["register"] * 3,
        *["promote"] * 2,
        "rollback",
    ]
