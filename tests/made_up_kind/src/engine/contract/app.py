"""What the engine takes from `src/app`."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Message = MutableMapping[str, Any]
ASGI = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class Routes(Protocol):
    """`app/routes.py`: HTTP paths of one's own."""

    application: ASGI | None


def routes() -> Routes:
    """HTTP paths of one's own."""
    from app import routes

    return routes
