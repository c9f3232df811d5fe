"""Whoever follows how answers come about: nobody, or what an option brings into this package.

The engine says in its own words what it does and what came of it; a follower has the words of its
field. A module here offers `follow`, `here`, `headers` and `close`.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

Facts = Mapping[str, Any]


class Step(Protocol):
    """Something that is being done."""

    def note(self, **facts: Any) -> None:
        """Say what came of it."""

    def fail(self, kind: str) -> None:
        """Say that it failed, by a name of a few: a status, `timeout`, a class of errors."""


class Follower(Protocol):
    """What a module of this package offers."""

    def follow(self, name: str, within: Any, facts: Facts) -> AbstractContextManager[Step]:
        """Begin a step: ask, search, embed or chat; it ends with the block."""

    def here(self) -> Any:
        """Where one is, for a step that another thread does."""

    def headers(self) -> dict[str, str]:
        """What tells another server whose request its own is part of."""

    def close(self) -> None:
        """Send what is left."""


class _Nothing:
    def note(self, **facts: Any) -> None:
        """Nobody wants to know."""

    def fail(self, kind: str) -> None:
        """Nobody wants to know."""


_NOTHING: AbstractContextManager[Step] = nullcontext(_Nothing())


def step(name: str, within: Any = None, **facts: Any) -> AbstractContextManager[Step]:
    """Do something in a block, and let whoever follows know; `within` comes from `here`."""
    follower = _follower()
    return follower.follow(name, within, facts) if follower else _NOTHING


def here() -> Any:
    """Where one is; nothing where nobody follows."""
    follower = _follower()
    return follower.here() if follower else None


def headers() -> dict[str, str]:
    """Header fields for a request to another server."""
    follower = _follower()
    return follower.headers() if follower else {}


def close() -> None:
    """Let a follower send what is left."""
    if follower := _follower():
        follower.close()


def names(found: Iterable[Any]) -> list[str]:
    """The documents of passages, each once."""
    return list(dict.fromkeys(passage.document for passage in found))


@functools.cache
def _follower() -> Follower | None:
    for module in pkgutil.iter_modules(__path__):
        found: Follower = importlib.import_module(f"{__name__}.{module.name}")
        return found
    return None
