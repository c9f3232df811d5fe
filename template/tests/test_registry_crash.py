"""Whatever dies, and whoever comes at the same time: one champion, and nothing lost."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import small_bundle
from .conftest import registry, storage


@pytest.fixture
def books(tmp_path: Path) -> registry.Registry:
    """A registry with three versions, of which the second answers."""
    books = small_bundle.three_versions(tmp_path)
    books.promote(1)
    books.promote(2)
    return books


class Dying(storage.Storage):
    """A store whose process dies just before or just after the n-th file is written."""

    left, after = 0, False

    def write(self, name: str, content: bytes) -> None:
        self._die(lambda: super(Dying, self).write(name, content))

    def create(self, name: str, content: bytes) -> bool:
        return bool(self._die(lambda: super(Dying, self).create(name, content)))

    def _die(self, step: Callable[[], Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise SystemExit
        done = step()
        if self.left == 0:
            raise SystemExit
        return done


def act(place: storage.Storage, action: str, scratch: Path) -> None:
    """Register a run, promote the challenger or roll back."""
    if action == "register":
        small_bundle.register(place, scratch, "four")
    else:
        getattr(registry.Registry(place), action)()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("action", "files"), [("register", 5), ("promote", 1), ("rollback", 1)])
def test_a_crash_at_any_file_leaves_the_old_state_or_the_new_one(
    books: registry.Registry, tmp_path: Path, action: str, files: int, after: bool
) -> None:
    dying = Dying(tmp_path / "store")

    for step in range(1, files + 1):
        dying.left, dying.after, before = step, after, books.state()
        scratch = tmp_path / f"scratch{step}"
        with pytest.raises(SystemExit):
            act(dying, action, scratch)
        happened = after and step == files

        state = books.state()
        new_champion = {"promote": 3, "rollback": 1}.get(action, 2)
        assert state.champion == (new_champion if happened else 2)
        assert len(state.history) == len(before.history) + happened
        assert books.load()[0] == state.champion

    small_bundle.register(books.storage, tmp_path / "later", "five")
    assert books.promote() == max(books.state().versions)


REGISTER = """
import sys
from pathlib import Path
from {package} import registry, storage
books = registry.Registry(storage.Storage(sys.argv[1]))
for line in sys.argv[2:]:
    run_id, digest = line.split()
    books.register(Path(sys.argv[1]).parent / run_id, run_id, digest, {{}})
"""

SWING = """
import sys
from {package} import registry, storage
books = registry.Registry(storage.Storage(sys.argv[1]))
while True:
    books.promote(3)
    books.rollback()
"""


def start(script: str, *args: str) -> subprocess.Popen[bytes]:
    """Another process of this package."""
    package = registry.__name__.partition(".")[0]
    code = f"import sys; sys.path[:0] = {sys.path!r}\n{script.format(package=package)}"
    return subprocess.Popen([sys.executable, "-c", code, *args])


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    lines: dict[str, list[str]] = {"a": [], "b": []}
    for name, work in lines.items():
        for number in range(8):
            run_id = f"{name}{number}"
            work.append(f"{run_id} {small_bundle.make(tmp_path / run_id, run_id)}")

    store = str(tmp_path / "store")
    workers = [start(REGISTER, store, *work) for work in lines.values()]
    assert [worker.wait(120) for worker in workers] == [0, 0]

    books = registry.Registry(storage.Storage(store))
    state = books.state()
    assert list(state.versions) == list(range(1, 17))
    assert len({version.run_id for version in state.versions.values()}) == 16
    assert [event.version for event in state.history] == list(range(1, 17))
    assert all(books.load(n)[1].manifest.run_id == v.run_id for n, v in state.versions.items())


def test_a_killed_process_blocks_nobody(books: registry.Registry) -> None:
    for _ in range(2):
        before, give_up = books.state().number, time.monotonic() + 120
        worker = start(SWING, books.storage.url)
        while books.state().number < before + 3 and time.monotonic() < give_up:
            time.sleep(0.01)
        worker.kill()
        worker.wait()

        assert books.state().number >= before + 3
        assert books.state().champion in (2, 3)
        books.promote(1)
        assert books.load()[0] == 1
        books.promote(2)
