"""Whatever dies, and whoever comes at the same time: one champion, and nothing lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import RegistryError
from engine.core.storage import Storage
from engine.registry.registry import Registry

from . import small_bundle


@pytest.fixture
def books(tmp_path: Path) -> Registry:
    """A registry with three versions, of which the second answers."""
    books = small_bundle.three_versions(tmp_path)
    books.promote(1)
    books.promote(2)
    return books


class Dying(Storage):
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


def act(place: Storage, action: str, scratch: Path) -> None:
    """Register a run, promote the challenger or roll back."""
    if action == "register":
        small_bundle.register(place, scratch, "four")
    else:
        getattr(Registry(place), action)()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("action", "files"), [("register", 5), ("promote", 1), ("rollback", 1)])
def test_a_crash_at_any_file_leaves_the_old_state_or_the_new_one(
    books: Registry, tmp_path: Path, action: str, files: int, after: bool
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


class Slow(Storage):
    """A store in which somebody else is quicker once."""

    quicker: Callable[[], Any] | None = None

    def create(self, name: str, content: bytes) -> bool:
        quicker, self.quicker = self.quicker, None
        if quicker:
            quicker()
        return bool(super().create(name, content))


def test_a_change_that_comes_second_is_made_again(books: Registry, tmp_path: Path) -> None:
    slow = Slow(tmp_path / "store")
    slow.quicker = lambda: books.promote(3)

    Registry(slow).promote(1)

    assert books.state().champions == [1, 2, 3, 1]
    assert [(e.version, e.before) for e in books.state().history[-2:]] == [(3, 2), (1, 3)]


def test_a_change_that_has_become_impossible_is_refused(books: Registry, tmp_path: Path) -> None:
    slow = Slow(tmp_path / "store")
    slow.quicker = lambda: books.promote(3)

    with pytest.raises(RegistryError, match="version 3 is the champion already"):
        Registry(slow).promote(3)

    assert books.state().champions == [1, 2, 3]
