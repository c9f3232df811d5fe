import os
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from engine.core.errors import NoRoomError, StorageError
from engine.core.storage import ANSWERS, PART, Storage, object_store

from . import store_checks

PLACES = ["{folder}/store", "file://{folder}/store", "memory://{folder}/store"]


@pytest.fixture(params=PLACES, ids=["path", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty store: by path, by URL, and one that is reached like an object store."""
    return Storage(request.param.format(folder=tmp_path.as_posix()))


class TestStore(store_checks.StoreChecks):
    """The registry and the bundles."""


def test_what_is_written_is_read_back_and_listed(place: Storage) -> None:
    place.write("folder/b.txt", b"second")
    place.write("folder/a.txt", b"first")
    place.write("folder/a.txt", b"first again")

    assert place.read("folder/a.txt") == b"first again"
    assert place.list("folder") == ["a.txt", "b.txt"]
    assert place.list() == ["folder"]
    assert place.list("nothing") == []


def test_many_files_are_read_at_once_without_those_that_are_gone(place: Storage) -> None:
    for name in ("a", "b", "c"):
        place.write(f"folder/{name}", name.encode())

    assert sorted(place.read_all(["folder/c", "folder/gone", "folder/a"])) == [b"a", b"c"]
    assert list(place.read_all(["folder/gone"])) == []


def test_no_room_is_told_from_what_another_attempt_may_mend(tmp_path: Path) -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(NoRoomError, match="too large"):
            Storage(tmp_path).write("a", b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))

    assert not list(tmp_path.iterdir())


def test_a_folder_survives_the_way_there_and_back(place: Storage, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/one").write_bytes(b"1")
    (tmp_path / "here/two").write_bytes(b"\0\xff")

    place.upload(tmp_path / "here", "there")
    place.download("there", tmp_path / "back")

    assert {p.name: p.read_bytes() for p in (tmp_path / "back").iterdir()} == {
        "one": b"1",
        "two": b"\0\xff",
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights in another way")
@pytest.mark.parametrize("links", [True, False])
def test_nobody_outside_the_group_reads_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:  # a file system without them
        monkeypatch.setattr(os, "link", lambda *_: (tmp_path / "nothing").stat())
    before = os.umask(0)
    try:
        store = Storage(tmp_path / "new/store")
        store.write("folder/written", b"1")
        store.create("folder/created", b"1")
    finally:
        os.umask(before)

    made = [*(tmp_path / "new").rglob("*"), tmp_path / "new"]
    assert len(made) == 5
    assert {oct(path.stat().st_mode & 0o777) for path in made} == {"0o750", "0o640"}


def test_a_file_is_created_once(place: Storage) -> None:
    first, second = place.create("folder/name", b"first"), place.create("folder/name", b"second")

    assert (first, second) == (True, False)
    assert place.read("folder/name") == b"first"
    assert place.list("folder") == ["name"]


def test_one_of_many_creates_a_file(tmp_path: Path) -> None:
    place = Storage(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        for round_ in range(20):
            names = [(f"round{round_}", f"{i}".encode()) for i in range(8)]
            won = list(pool.map(lambda item: place.create(*item), names))

            assert won.count(True) == 1
            assert place.read(f"round{round_}") == names[won.index(True)][1]
    assert len(list(tmp_path.iterdir())) == 20  # nothing half-written stays behind


def test_a_reader_sees_the_old_content_or_the_new_one(tmp_path: Path) -> None:
    place, stop = Storage(tmp_path), Event()
    contents = [b"a" * 2_000_000, b"b" * 2_000_000]
    place.write("file", contents[0])

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                place.write("file", content)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        seen = [place.read("file") for _ in range(100)]
        stop.set()
        writer.result()

    assert all(content in contents for content in seen)


def test_a_file_that_is_being_written_is_not_listed(tmp_path: Path) -> None:
    place = Storage(tmp_path)
    place.write("done", b"")
    (tmp_path / f"{PART}half").write_bytes(b"a process died here")

    assert place.list() == ["done"]


def test_a_removed_file_may_be_removed_again(place: Storage) -> None:
    place.write("name", b"")

    place.remove("name")
    place.remove("name")

    assert not place.exists("name")


def test_a_missing_file_is_one_line(place: Storage) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*store/nothing") as caught:
        place.read("nothing")

    assert "\n" not in str(caught.value)


def test_a_store_that_can_be_used_passes_its_check_and_stays_empty(place: Storage) -> None:
    place.check()

    assert place.list() == []


@pytest.mark.parametrize("verb", ["write", "create"])
def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path, verb: str) -> None:
    (tmp_path / "store").write_text("not a folder")

    with pytest.raises(StorageError, match=r"cannot write .*store"):
        getattr(Storage(tmp_path / "store"), verb)("folder/name", b"")

    assert [p.name for p in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    ("scheme", "answer"), [each for each in ANSWERS.items() if object_store(each[0]) is None]
)
def test_an_object_store_without_its_code_names_the_answer_that_brings_it(
    scheme: str, answer: str
) -> None:
    with pytest.raises(StorageError) as caught:
        Storage(f"{scheme}://bucket/models")

    assert f"{scheme}://bucket/models cannot be opened: " in str(caught.value)
    assert f"python3 run.py template update -d artifact_store={answer}" in str(caught.value)


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(StorageError, match="use a local path, s3:// or gs://") as caught:
        Storage("cupboard://shelf")

    assert "\n" not in str(caught.value)
