"""The text that a logged answer cites, from the version that gave it."""

from typing import Any

from engine.core.errors import ProjectError
from engine.core.storage import Storage
from engine.registry.bundle import INDEX
from engine.registry.registry import Registry
from engine.retrieval.lexical import Lexical

Json = dict[str, Any]


class Cited:
    """Versions of a store, each opened once."""

    def __init__(self, storage: Storage) -> None:
        self._registry = Registry(storage)
        self._opened: dict[int, tuple[Lexical, int] | None] = {}

    def around(self, row: Json) -> str | None:
        """The text around each citation of a record of the log, numbered; None where it is gone.

        A passage has at most `splitter.size` characters, so every one that holds the quote lies in
        what is given.
        """
        opened = self._version(row.get("version"))
        if opened is None:
            return None
        lexical, size = opened
        found = []
        for number, (name, start, end) in enumerate(row["answer"].get("citations", ()), 1):
            text = lexical.text(name)
            if text is None:
                return None
            found.append(f"[{number}] {text[max(0, end - size) : start + size]}")
        return "\n\n".join(found)

    def close(self) -> None:
        """Give the memory back."""
        for opened in self._opened.values():
            if opened:
                opened[0].close()

    def _version(self, version: int | None) -> tuple[Lexical, int] | None:
        if version is None:  # of a server that does not say; the champion may be another
            return None
        if version not in self._opened:
            try:
                _, bundle = self._registry.load(version)
            except ProjectError:  # deleted, damaged, or of another store
                self._opened[version] = None
            else:
                lexical = Lexical(bundle.files[INDEX])
                self._opened[version] = lexical, bundle.contract.splitter.size
        return self._opened[version]
