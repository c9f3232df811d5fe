"""Several processes on one registry: nothing is lost, and one that is killed blocks nobody."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.storage import Storage
from engine.registry.registry import Registry

from . import small_bundle


@pytest.fixture
def books(tmp_path: Path) -> Registry:
    """A registry with three versions, of which the second answers."""
    books = small_bundle.three_versions(tmp_path)
    books.promote(2)
    return books


COUNT = """
import sys
from pathlib import Path
from engine.core.storage import Storage
from engine.registry import history
place, here = Storage(sys.argv[1]), Path(sys.argv[1]).parent
(here / sys.argv[2]).touch()
while not all((here / name).exists() for name in "ab"):
    pass
for number in range(150):
    history.change(place, lambda state: state.note(sys.argv[2], number, None) or number)
"""

SWING = """
import sys
from engine.core.storage import Storage
from engine.registry.registry import Registry
books = Registry(Storage(sys.argv[1]))
while True:
    books.promote(3)
    books.rollback()
"""


def start(script: str, *args: str) -> subprocess.Popen[bytes]:
    """Another process of this system."""
    code = f"import sys; sys.path[:0] = {sys.path!r}\n{script}"
    return subprocess.Popen([sys.executable, "-c", code, *args])


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    workers = [start(COUNT, str(tmp_path / "store"), name) for name in ("a", "b")]
    assert [worker.wait(120) for worker in workers] == [0, 0]

    history = Registry(Storage(tmp_path / "store")).state().history
    for name in ("a", "b"):
        assert [event.version for event in history if event.action == name] == list(range(150))


def test_a_killed_process_blocks_nobody(books: Registry) -> None:
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
