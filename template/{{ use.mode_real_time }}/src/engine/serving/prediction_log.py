"""Predictions and outcomes as JSON lines, to where `prediction_log` in the settings says.

Predictions are written in the background, so that none waits for a disk or a network: what was
answered since the last write is lost when the process is killed, and what cannot be written is
counted as dropped. Outcomes are written before they are accepted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from engine.core.records import Destination, destination

log = logging.getLogger(__name__)

MOST_WAITING = 64_000_000  # bytes in memory while writing is slow; more are dropped and counted
MOST_AT_ONCE = 4_000_000  # bytes of one write, a record more or less


class PredictionLog:
    """The log of one server; an empty setting turns it off."""

    def __init__(self, setting: str, megabytes: int, dropped: Callable[[int], object]) -> None:
        self.to = destination(setting, megabytes)
        self.is_on, self.is_writable = self.to is not None, True
        self._dropped = dropped
        self._waiting: deque[tuple[str, int, bytes]] = deque()
        self._bytes = 0
        self._flushing = threading.Lock()
        self._is_ending = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction log", daemon=True)

    def start(self) -> None:
        """Start writing."""
        if self.is_on:
            self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """Write what is left and end."""
        self._is_ending = True
        self._wake.set()
        if self._thread.ident:
            self._thread.join(patience)

    def add(self, kind: str, records: list[dict[str, Any]]) -> None:
        """Take records of a kind; they are text at once, so that nobody changes them later."""
        if self.to is None:
            return
        text = self.to.encode(kind, records)
        if self._bytes + len(text) > MOST_WAITING:
            self._dropped(len(records))
            return
        self._bytes += len(text)
        self._waiting.append((kind, len(records), text))
        if self._bytes > MOST_AT_ONCE:
            self._wake.set()

    def keep(self, kind: str, records: list[dict[str, Any]]) -> None:
        """Write records now; when this returns, they outlive this process.

        Raises OSError when they were not taken; what does not wait for the log is unharmed.
        """
        if self.to is None:
            return
        try:
            self.to.write(kind, self.to.encode(kind, records), is_safe=True)
        except OSError as error:
            self._set_writable(error)
            raise
        self._set_writable(None)

    def flush(self) -> None:
        """Write what waits; a platform that stops this process between requests calls it."""
        if self.to is None:
            return
        with self._flushing:
            while self._waiting:
                self._write_some(self.to)

    def _work(self) -> None:
        while self.to is not None and not self._is_ending:
            self._wake.wait(self.to.seconds)
            self._wake.clear()
            self.flush()
        self.flush()

    def _write_some(self, to: Destination) -> None:
        """Write what came first, of each kind at once."""
        texts: dict[str, list[bytes]] = {}
        counts: dict[str, int] = {}
        size = 0
        while self._waiting and size < MOST_AT_ONCE:
            kind, count, text = self._waiting.popleft()
            texts.setdefault(kind, []).append(text)
            counts[kind] = counts.get(kind, 0) + count
            size += len(text)
            self._bytes -= len(text)
        for kind, found in texts.items():
            try:
                to.write(kind, b"".join(found), is_safe=False)
            except OSError as error:
                self._dropped(counts[kind])
                self._set_writable(error)
            else:
                self._set_writable(None)

    def _set_writable(self, error: OSError | None) -> None:
        if (error is None) == self.is_writable:
            return
        self.is_writable = error is None
        name = self.to.name if self.to else ""
        if error is None:
            log.warning("the prediction log is written again: %s", name)
        else:
            reason = error.__cause__ or f"{error.strerror} ({name})"
            log.error("the prediction log cannot be written, serving goes on: %s", reason)
