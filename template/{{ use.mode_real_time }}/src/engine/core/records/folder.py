"""Records in a folder of this machine.

Files are `KIND-YYYYMMDD.jsonl`; a file that grows large is set aside as
`...-YYYYMMDD-HHMMSS.jsonl`, and the oldest go when the folder exceeds its size.
"""

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

from engine.core.storage import make_folder, private

PARTS = 8  # a file is set aside when it holds this part of the allowed size
KINDS = ("predictions", "outcomes")

encode_lines = msgspec.json.Encoder().encode_lines


class Folder:
    """A folder for the records of one server."""

    seconds = 0.2

    def __init__(self, folder: str, megabytes: int) -> None:
        self.name, self.most_bytes = folder, megabytes * 1_000_000
        self._folder = Path(folder)
        self._files = threading.Lock()

    def encode(self, kind: str, records: list[dict[str, Any]]) -> bytes:
        """The name of the file says the kind."""
        del kind
        return encode_lines(records)

    def write(self, kind: str, text: bytes, *, is_safe: bool) -> None:
        """Append to the file of today; with `is_safe`, when it returns, the disk has them.

        Raises OSError, with none of them written, when the disk does not take them.
        """
        now = datetime.now(UTC)
        path = self._folder / f"{kind}-{now:%Y%m%d}.jsonl"
        with self._files:
            make_folder(self._folder)
            if path.exists() and path.stat().st_size > self.most_bytes // PARTS:
                path.rename(path.with_name(f"{path.stem}-{now:%H%M%S%f}.jsonl"))
                self._delete_oldest()
            with open(path, "a+b", buffering=0, opener=private) as stream:
                start = stream.tell()
                text = b"\n" + text if _is_torn(stream, start) else text
                written = 0
                try:
                    while written < len(text):
                        written += stream.write(text[written:])
                    if is_safe:
                        os.fsync(stream.fileno())
                except OSError:
                    stream.truncate(start)  # a full disk keeps no half of a line
                    raise
            if is_safe and not start:
                _sync(self._folder)

    def _delete_oldest(self) -> None:
        files = [file for kind in KINDS for file in self._folder.glob(f"{kind}-*.jsonl")]
        # "...-20260131-120000" is older than "...-20260131", which is still written to.
        files.sort(key=lambda file: file.stem.partition("-")[2] + "~")
        size = sum(file.stat().st_size for file in files)
        for file in files:
            if size <= self.most_bytes * (PARTS - 1) // PARTS:
                return
            size -= file.stat().st_size
            file.unlink()


def _is_torn(stream: FileIO, end: int) -> bool:
    """Whether the last line has no end: who wrote it was killed, or the power went."""
    if not end:
        return False
    stream.seek(end - 1)
    return stream.read(1) != b"\n"


def _sync(folder: Path) -> None:
    """Make the name of a new file as safe as its content (fsync(2))."""
    with suppress(OSError):  # Windows opens no folder, and does this by itself
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
