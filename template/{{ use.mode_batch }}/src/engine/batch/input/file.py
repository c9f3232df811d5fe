"""The file to be scored, by path or URL: read in pieces, never whole."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from engine.core.errors import DataError, ProjectError
from engine.core.storage import Storage


class ChangedError(DataError):
    """The file is no longer the one that was divided into parts."""


class InputFile:
    """A CSV or Parquet file where it lies; with a mark, only the file that had it."""

    def __init__(self, url: str, mark: str = "") -> None:
        folder, slash, self.name = url.replace("\\", "/").rpartition("/")
        self.url, self._wanted = url, mark
        self.storage = Storage(folder or ("/" if slash else "."))
        if not self.storage.exists(self.name):
            raise DataError(f"{url} does not exist; nothing was written")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """The file as a stream of bytes."""
        try:
            with self.storage.fs.open(self.storage.path(self.name), "rb") as stream:
                self._require_open(stream)
                yield stream
                self._require_open(stream)
        except ProjectError:
            raise
        except OSError as error:
            raise DataError(f"{self.url} cannot be read: {error.strerror or error}") from None

    def part(self, start: int, end: int) -> bytes:
        """Some of its bytes."""
        with self.open() as stream:
            stream.seek(start)
            return bytes(stream.read(end - start))

    @contextmanager
    def parquet(self) -> Iterator[pyarrow.parquet.ParquetFile]:
        """The file as Parquet."""
        try:
            with self.open() as stream:
                yield pyarrow.parquet.ParquetFile(stream)
        except pa.ArrowException as error:
            raise DataError(f"{self.url} cannot be read: {_line(error)}") from None

    def broken_group(self, start: int, end: int) -> str:
        """Which of these row groups of a Parquet file cannot be read, and the rows it holds."""
        for group in range(start, end):
            with self.open() as stream:
                opened = pyarrow.parquet.ParquetFile(stream)
                sizes = [opened.metadata.row_group(i).num_rows for i in range(group + 1)]
                try:
                    opened.read_row_group(group, use_threads=False)
                except (pa.ArrowException, OSError) as error:
                    first, last = sum(sizes[:-1]), sum(sizes) - 1
                    return f"row group {group} (rows {first} to {last}) is broken: {_line(error)}"
        return ""

    def mark(self) -> str:
        """What changes when somebody writes to the file, or puts another one in its place.

        On a disk that includes its inode and when anything of it changed (st_ctime): a copy brings
        along the time of the content, but neither of these. Machines that share the disk agree.
        """
        path = self.storage.path(self.name)
        if self.storage.is_local:
            return _mark(Path(path).stat())
        about = self.storage.fs.info(path, refresh=True)
        return _hash([about.get(key) for key in ("size", "mtime", "ETag", "etag", "generation")])

    def require(self) -> None:
        """Refuse what lies there now, if it is not the file of the mark."""
        if not self.storage.exists(self.name) or self.mark() != self._wanted:
            raise self._changed()

    def _require_open(self, stream: Any) -> None:
        """The path may lead elsewhere for a moment, as a link does: what was opened is asked."""
        if not self._wanted or not self.storage.is_local:
            return
        if _mark(os.fstat(stream.fileno())) != self._wanted:
            raise self._changed()

    def _changed(self) -> ChangedError:
        return ChangedError(f"{self.url} changed while it was scored; start again")


def _mark(found: os.stat_result) -> str:
    return _hash([found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])


def _hash(told: list[Any]) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]
