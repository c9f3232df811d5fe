"""What the engine takes from `src/app`: a Protocol for each file, and a clear word where one lacks.

`python3 run.py check` holds the types of these files against it; every command that needs a file
holds the names.
"""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from engine.contract.schema import Contract
from engine.core.errors import AppError

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


@cache
def taken(name: str, promised: type[Any]) -> Any:
    """The file `src/app/<name>.py`, with everything its Protocol asks for.

    Raises AppError naming the file and what is missing or has other arguments.
    """
    try:
        module = importlib.import_module(f"app.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"app.{name}":
            raise
        raise AppError(f"src/app/{name}.py is missing; {_asked(promised)}") from None
    for attribute in promised.__annotations__:
        if not hasattr(module, attribute):
            raise AppError(f"src/app/{name}.py sets no {attribute}; {_asked(promised)}")
    for function, wanted in _functions(promised).items():
        given = getattr(module, function, None)
        if not callable(given):
            raise AppError(f"src/app/{name}.py has no {function}; {_asked(promised)}")
        arguments = [p for p in inspect.signature(wanted).parameters.values() if p.name != "self"]
        try:
            inspect.signature(given).bind(*arguments)
        except TypeError:
            raise AppError(
                f"src/app/{name}.py has {function}{inspect.signature(given)}, "
                f"which cannot be called as the engine does; {_asked(promised)}"
            ) from None
    return module


def _functions(promised: type[Any]) -> dict[str, Any]:
    return {n: f for n, f in vars(promised).items() if inspect.isfunction(f) and n[0] != "_"}


def _asked(promised: type[Any]) -> str:
    """What the engine takes from a file, in words."""
    functions = [
        f"{function}({', '.join(p for p in inspect.signature(f).parameters if p != 'self')})"
        for function, f in _functions(promised).items()
    ]
    names = ", ".join([*promised.__annotations__, *functions])
    return f"the engine takes {names} from it (see src/engine/contract/app.py)"
