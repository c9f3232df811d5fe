"""Where the prediction log is read from: a folder, an object store, or collected output."""

import gzip
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from engine.core.errors import SettingsError, StorageError
from engine.core.storage import Storage

AT_ONCE = 32  # objects that are read together; a server writes some MB into each at most
OUTPUT = "-"
MARK = b'{"kind":"'  # how a line of a server's standard output begins
WRAPPERS = ("events", "message", "textPayload", "jsonPayload", "log")
KINDS = ("predictions", "outcomes")
DEPTH = 8  # of wrappers in one another


class Source(Protocol):
    """A prediction log that can be read any number of times."""

    name: str
    """As people call it."""

    def lines(self, kind: str, day: str = "") -> Iterator[bytes]:
        """Lines of a kind, one record each; what was written before `day` (YYYYMMDD) may lack.

        Raises StorageError when something that is there cannot be read.
        """


def source(setting: str, collected: list[str]) -> Source:
    """What to read, from `prediction_log` of the settings and the files that were named.

    Raises SettingsError when there is nothing that could be read.
    """
    if collected:
        return Collected(collected)
    if not setting:
        raise SettingsError(
            "prediction_log is empty, so predictions are not kept; name a folder in settings.toml"
        )
    if setting == OUTPUT:
        raise SettingsError(
            "prediction_log is -, so predictions are where the platform keeps standard output; "
            "fetch that into a file, and then: python3 run.py monitor --log FILE"
        )
    return Stored(setting)


class Stored:
    """A folder or object store: `KIND-YYYYMMDD*.jsonl`, and such files in `KIND-YYYYMMDD/`."""

    def __init__(self, setting: str | Path) -> None:
        self.name = str(setting)
        self._storage = Storage(setting)

    def lines(self, kind: str, day: str = "") -> Iterator[bytes]:
        """See Source."""
        names = list(self._names(kind, day))
        if self._storage.is_local:
            yield from self._streamed(names)
            return
        for start in range(0, len(names), AT_ONCE):
            for content in self._storage.read_all(names[start : start + AT_ONCE]):
                yield from content.splitlines()

    def _names(self, kind: str, day: str) -> Iterator[str]:
        for name in self._storage.list():
            if not name.startswith(f"{kind}-") or name.removeprefix(f"{kind}-")[:8] < day:
                continue
            if name.endswith(".jsonl"):
                yield name
            else:
                yield from (f"{name}/{one}" for one in self._storage.list(name))

    def _streamed(self, names: list[str]) -> Iterator[bytes]:
        for name in names:
            path = Path(self._storage.path(name))
            try:
                with path.open("rb") as lines:
                    yield from lines
            except FileNotFoundError:  # the writer may rename or delete an old file at any time
                continue
            except OSError as error:
                raise StorageError(f"{path} cannot be read: {error.strerror}") from None


class Collected:
    """Files of standard output as platforms give it: the lines, or JSON that holds them."""

    def __init__(self, files: list[str]) -> None:
        self.name = ", ".join(files)
        self._files = [Path(file) for file in files]

    def lines(self, kind: str, day: str = "") -> Iterator[bytes]:
        """See Source; records are found wherever a line or a wrapper holds them."""
        del day
        for path in self._files:
            try:
                for text in _texts(path):
                    yield from (record for what, record in unwrapped(text) if what == kind)
            except EOFError:  # of gzip
                raise StorageError(f"{path} cannot be read: its end is missing") from None
            except OSError as error:
                raise StorageError(f"{path} cannot be read: {error.strerror or error}") from None


def _texts(path: Path) -> Iterator[bytes]:
    """A file by lines; as a whole where it is one JSON document of many lines."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        first = stream.readline()
        if first.strip() in (b"[", b"{"):
            yield first + stream.read()
            return
        yield first
        yield from stream


def unwrapped(text: bytes, depth: int = DEPTH) -> Iterator[tuple[str, bytes]]:
    """Each record in a piece of output, with its kind; nothing for lines of somebody else."""
    if not text.startswith(MARK) and text.lstrip()[:1] in (b"{", b"["):
        with suppress(msgspec.DecodeError, RecursionError):
            yield from _in(msgspec.json.decode(text), depth)
            return
    start = text.find(MARK)  # before it may stand a time, or the name of a container
    if start >= 0:
        kind = text[start + len(MARK) :].partition(b'"')[0].decode("utf-8", "replace")
        yield kind, text[start:]


def _in(found: Any, depth: int) -> Iterator[tuple[str, bytes]]:
    if not depth:
        return
    if isinstance(found, list):
        for each in found:
            yield from _in(each, depth - 1)
    elif isinstance(found, str):
        yield from unwrapped(found.encode(), depth - 1)
    elif isinstance(found, dict) and found.get("kind") in KINDS:
        yield found["kind"], msgspec.json.encode(found)
    elif isinstance(found, dict):
        for name in WRAPPERS:
            yield from _in(found.get(name), depth - 1)
