"""Where a server keeps records, as JSON lines: a folder, an object store, or standard output."""

from typing import Any, Protocol

from engine.core.records.folder import Folder
from engine.core.records.output import Output
from engine.core.records.store import Store

OUTPUT = "-"


class Destination(Protocol):
    """What takes records; any number of threads may write at once."""

    name: str
    """As the settings call it."""
    seconds: float
    """Between two writes of what may wait."""

    def encode(self, kind: str, records: list[dict[str, Any]]) -> bytes:
        """Records of a kind as whole lines."""

    def write(self, kind: str, text: bytes, *, is_safe: bool) -> None:
        """Write whole lines; with `is_safe`, when it returns, they outlive this process.

        Raises OSError when they were not taken.
        """


def destination(setting: str, megabytes: int) -> Destination | None:
    """What `prediction_log` in the settings names; None when it is empty.

    `megabytes` is what a folder may hold. Raises StorageError for an object store that this
    repository cannot open.
    """
    if not setting:
        return None
    if setting == OUTPUT:
        return Output()
    return Store(setting) if "://" in setting else Folder(setting, megabytes)
