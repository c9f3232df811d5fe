"""What the engine takes from `src/app`: a Protocol for each file, and a clear word where one lacks.

`python3 run.py check` holds the types of these files against it; every command that needs a file
holds the names.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from engine.contract.app_files import taken
from engine.contract.schema import Contract

Message = MutableMapping[str, Any]
ASGI = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class Source(NamedTuple):
    """A document as it arrives; what its name ends in says how it is read."""

    name: str
    """What citations call it, such as guides/start.md; no two have one name."""
    content: bytes | Path
    """A path is read by the engine, unless the file is larger than the contract allows."""
    changed: str = ""
    """The day it was last changed, as 2026-01-31; empty where nobody knows."""
    url: str = ""
    """Where a person can open it; empty where there is no such place."""


class Documents(Protocol):
    """`app/documents.py`: where documents come from."""

    def load(self, contract: Contract) -> Iterable[Source]:
        """Every document; what cannot be read is said by the engine."""


class Decide(Protocol):
    """`app/decide.py`: the last word on an answer."""

    def decide(self, question: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer that the caller gets; it may become a refusal, never gain a citation."""


class Routes(Protocol):
    """`app/routes.py`: HTTP paths of one's own."""

    application: ASGI | None
    """Any ASGI application; it is asked for every path that is not the engine's."""


if TYPE_CHECKING:  # what the type checker says of these lines, it says of the files of src/app
    import app.decide
    import app.documents

    _DOCUMENTS: Documents = app.documents
    _DECIDE: Decide = app.decide


def documents() -> Documents:
    """Where documents come from."""
    return cast(Documents, taken("documents", Documents))


def decide() -> Decide:
    """The last word on an answer."""
    return cast(Decide, taken("decide", Decide))


def routes() -> Routes:
    """HTTP paths of one's own."""
    return cast(Routes, taken("routes", Routes))
