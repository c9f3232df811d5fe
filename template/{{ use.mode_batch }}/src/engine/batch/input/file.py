"""The file to be scored, by path or URL: read in pieces, never whole."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from engine.core.errors import DataError, ProjectError
from engine.core.storage import Storage


class InputFile:
    """A CSV or Parquet file where it lies."""

    def __init__(self, url: str) -> None:
        folder, slash, self.name = url.replace("\\", "/").rpartition("/")
        self.url = url
        self.storage = Storage(folder or ("/" if slash else "."))
        if not self.storage.exists(self.name):
            raise DataError(f"{url} does not exist; nothing was written")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """The file as a stream of bytes."""
        try:
            with self.storage.fs.open(self.storage.path(self.name), "rb") as stream:
                yield stream
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
    def parquet(self, text: tuple[str, ...] = ()) -> Iterator[pyarrow.parquet.ParquetFile]:
        """The file as Parquet; the columns of `text` come as positions in their distinct values."""
        try:
            with self.open() as stream:
                yield pyarrow.parquet.ParquetFile(stream, read_dictionary=list(text))
        except pa.ArrowException as error:
            raise DataError(f"{self.url} cannot be read: {str(error).splitlines()[0]}") from None

    def mark(self) -> object:
        """What changes when somebody writes to the file."""
        about = self.storage.fs.info(self.storage.path(self.name))
        told = [about.get(key) for key in ("size", "mtime", "ETag", "etag", "generation")]
        return hashlib.sha256(repr(told).encode()).hexdigest()
