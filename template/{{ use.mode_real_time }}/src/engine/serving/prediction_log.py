"""Predictions and outcomes as JSON lines.

Predictions are written in the background, so that none waits for the disk: what was answered in the
last SECONDS is lost when the process is killed, and what a failing disk does not take is counted as
dropped. Outcomes are written before they are accepted.

Files are `predictions-YYYYMMDD.jsonl` and `outcomes-YYYYMMDD.jsonl`; a file that grows large is set
aside as `...-YYYYMMDD-HHMMSS.jsonl`, and the oldest go when the folder exceeds its size.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.core.storage import make_folder, private

log = logging.getLogger(__name__)

MOST_WAITING = 64_000_000  # bytes in memory while the disk is slow; more are dropped and counted
SECONDS = 0.2  # between two writes
PARTS = 8  # a file is set aside when it holds this part of the allowed size

encode_lines = msgspec.json.Encoder().encode_lines


class PredictionLog:
    """The log of one server; an empty folder name turns it off."""

    def __init__(self, folder: str, megabytes: int, dropped: Callable[[int], object]) -> None:
        self.folder, self.most_bytes = Path(folder), megabytes * 1_000_000
        self.is_on, self.is_writable = bool(folder), True
        self._dropped = dropped
        self._waiting: deque[tuple[str, int, bytes]] = deque()
        self._bytes = 0
        self._files = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction log", daemon=True)

    def start(self) -> None:
        """Start writing."""
        if self.is_on:
            self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """Write what is left and end."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join(patience)

    def add(self, kind: str, records: list[dict[str, Any]]) -> None:
        """Take records of a kind; they are text at once, so that nobody changes them later."""
        if not self.is_on:
            return
        text = encode_lines(records)
        if self._bytes + len(text) > MOST_WAITING:
            self._dropped(len(records))
        else:
            self._bytes += len(text)
            self._waiting.append((kind, len(records), text))

    def keep(self, kind: str, records: list[dict[str, Any]]) -> None:
        """Write records now; when this returns, the disk has them.

        Raises OSError, with none of them written, when the disk does not take them.
        """
        try:
            self._append(f"{kind}-{_today()}", encode_lines(records), is_synced=True)
        except OSError as error:
            self._set_writable(False, f"{error.strerror} ({self.folder})")
            raise
        self._set_writable(True, str(self.folder))

    def _work(self) -> None:
        while not self._stop.wait(SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Write what waits; only one thread may call this."""
        files: dict[str, list[bytes]] = {}
        counts: dict[str, int] = {}
        today = _today()
        while self._waiting:
            kind, count, text = self._waiting.popleft()
            name = f"{kind}-{today}"
            files.setdefault(name, []).append(text)
            counts[name] = counts.get(name, 0) + count
            self._bytes -= len(text)
        for name, texts in files.items():
            try:
                self._append(name, b"".join(texts))
            except OSError as error:
                self._dropped(counts[name])
                self._set_writable(False, f"{error.strerror} ({self.folder})")
            else:
                self._set_writable(True, str(self.folder))

    def _append(self, name: str, text: bytes, *, is_synced: bool = False) -> None:
        path = self.folder / f"{name}.jsonl"
        with self._files:
            make_folder(self.folder)
            if path.exists() and path.stat().st_size > self.most_bytes // PARTS:
                path.rename(self.folder / f"{name}-{datetime.now(UTC):%H%M%S%f}.jsonl")
                self._delete_oldest()
            with open(path, "ab", buffering=0, opener=private) as stream:
                start = stream.tell()
                written = 0
                try:
                    while written < len(text):
                        written += stream.write(text[written:])
                    if is_synced:
                        os.fsync(stream.fileno())
                except OSError:
                    stream.truncate(start)  # a full disk keeps no half of a line
                    raise
            if is_synced and not start:
                _sync_folder(self.folder)

    def _delete_oldest(self) -> None:
        files = [
            f for kind in ("predictions", "outcomes") for f in self.folder.glob(f"{kind}-*.jsonl")
        ]
        # "...-20260131-120000" is older than "...-20260131", which is still written to.
        files.sort(key=lambda file: file.stem.partition("-")[2] + "~")
        size = sum(file.stat().st_size for file in files)
        for file in files:
            if size <= self.most_bytes * (PARTS - 1) // PARTS:
                return
            size -= file.stat().st_size
            file.unlink()

    def _set_writable(self, is_writable: bool, detail: str) -> None:
        if is_writable != self.is_writable:
            self.is_writable = is_writable
            if is_writable:
                log.warning("the prediction log is written again: %s", detail)
            else:
                log.error("the prediction log cannot be written, serving goes on: %s", detail)


def _today() -> str:
    return f"{datetime.now(UTC):%Y%m%d}"


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file as safe as its content (fsync(2))."""
    with suppress(OSError):  # Windows opens no folder, and does this by itself
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
