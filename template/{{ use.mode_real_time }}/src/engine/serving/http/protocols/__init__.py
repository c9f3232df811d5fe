"""Protocols that the server speaks beside its own: each module here offers one.

`paths(endpoints, settings)` gives every path with what it takes, as `routes` in app.py does.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from typing import Protocol

from engine.core.settings import Settings
from engine.serving.http.body import Receive, Scope
from engine.serving.http.endpoints import Endpoints
from engine.serving.http.replies import Reply

Endpoint = Callable[[Scope, Receive], Awaitable[Reply]]
Paths = dict[str, dict[str, Endpoint]]


class Spoken(Protocol):
    """What a module of this package offers."""

    def paths(self, to: Endpoints, settings: Settings) -> Paths:
        """Every path of the protocol, with its methods."""


def spoken(to: Endpoints, settings: Settings) -> Paths:
    """The paths of all protocols that are here."""
    found: Paths = {}
    for module in pkgutil.iter_modules(__path__):
        protocol: Spoken = importlib.import_module(f"{__name__}.{module.name}")
        found |= protocol.paths(to, settings)
    return found
