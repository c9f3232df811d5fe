"""Records on standard output, for platforms that collect it; each line says its kind."""

import os
import threading
from typing import Any

import msgspec

STDOUT = 1

encode_lines = msgspec.json.Encoder().encode_lines


class Output:
    """Standard output; other lines may stand between these."""

    name, seconds = "-", 0.2

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_torn = False

    def encode(self, kind: str, records: list[dict[str, Any]]) -> bytes:
        """Lines that begin with their kind, by which `monitor --log` finds them."""
        return encode_lines([{"kind": kind, **record} for record in records])

    def write(self, kind: str, text: bytes, *, is_safe: bool) -> None:
        """Hand lines over to whoever reads; what becomes of them there, nobody says.

        Raises OSError when nobody reads any more.
        """
        del kind, is_safe
        with self._lock:
            left = b"\n" + text if self._is_torn else text  # a torn line spoils no other
            whole = len(left)
            try:
                while left:
                    left = left[os.write(STDOUT, left) :]
            finally:
                self._is_torn = 0 < len(left) < whole or (self._is_torn and len(left) == whole)
