"""Where the nearest passages are looked up: in memory, or in the store that vector_store brings."""

import importlib
from collections.abc import Sequence
from typing import Any, Protocol, cast

from engine.core.errors import ProjectError, SettingsError
from engine.core.settings import Settings
from engine.retrieval.dense import Exact, Vectors

STORE = "engine.retrieval.stored"
Near = list[tuple[int, float]]
"""Passages with their cosine, the nearest first."""


class NearestError(ProjectError):
    """The vector store gave nothing that can be used; the text says why, in a few words."""


class Nearest(Protocol):
    """The vectors of one version."""

    waits: bool
    """Whether a search waits for another process, so that it may be late or fail."""

    def fill(self) -> None:
        """Put the vectors where they are searched, if they are not there.

        Raises NearestError.
        """

    def search(self, vector: Vectors, limit: int) -> Near:
        """The nearest passages; a question without a vector finds none.

        Raises NearestError.
        """

    def compared(self, asked: Sequence[Vectors], limit: int) -> dict[str, float]:
        """What of exact search is found for the vectors of some questions, where it may differ.

        Raises NearestError.
        """


class Store(Protocol):
    """The module `engine.retrieval.stored`."""

    def opened(self, vectors: Vectors, settings: Settings) -> Nearest:
        """The vectors of one version, in the store of the settings."""


def opened(vectors: Vectors, settings: Settings | None) -> Nearest:
    """The vectors of a version: in the store that the settings name, otherwise in memory.

    Raises SettingsError where they name one that this repository has no code for.
    """
    if settings is None or not settings.vector_url:
        return Exact(vectors)
    store = cast(Store | None, part(STORE))
    if store is None:
        raise SettingsError(
            "vector_url names a vector store, and this repository has no code for one; "
            "bring it in with: python3 run.py template update -d vector_store=pgvector"
        )
    return store.opened(vectors, settings)


def part(name: str) -> Any:
    """A module that comes with a vector store; None where there is none."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
