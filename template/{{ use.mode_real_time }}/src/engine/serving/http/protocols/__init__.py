"""Protocols that the server speaks beside its own: each module here offers one.

A module offers PREFIX, with which its paths begin; `paths(endpoints, settings)`, which gives every
path with what it takes, as `routes` in app.py does; `refused`, how it words a refusal; and
`described`, its part of the OpenAPI document. Where a path names a version, `{version}` stands for
it.
"""

import functools
import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from engine.core.settings import Settings
from engine.serving.http.body import Receive, Scope
from engine.serving.http.endpoints import Endpoints
from engine.serving.http.replies import Refusal, Reply
from engine.serving.protocol import Json, ServedModel

Endpoint = Callable[[Scope, Receive], Awaitable[Reply]]
Paths = dict[str, dict[str, Endpoint]]
Operations = dict[str, dict[str, Json]]

VERSION = re.compile(r"(?<=/versions/)[^/]+")


class Spoken(Protocol):
    """What a module of this package offers."""

    PREFIX: str
    """How its paths begin."""

    def paths(self, to: Endpoints, settings: Settings) -> Paths:
        """Every path of the protocol, with its methods."""

    def refused(self, refusal: Refusal) -> Reply:
        """A refusal as the protocol words it."""

    def described(self, model: ServedModel, settings: Settings) -> tuple[Operations, Json]:
        """Its operations for a model, and the schemas that they name."""


def spoken(to: Endpoints, settings: Settings) -> Paths:
    """The paths of all protocols that are here."""
    found: Paths = {}
    for protocol in _modules():
        found |= protocol.paths(to, settings)
    return found


def described(model: ServedModel, settings: Settings) -> tuple[Operations, Json]:
    """What OpenAPI says of all protocols that are here: operations, and their schemas."""
    operations: Operations = {}
    schemas: Json = {}
    for protocol in _modules():
        more, theirs = protocol.described(model, settings)
        operations |= more
        schemas |= theirs
    return operations, schemas


def listed(path: str, paths: Paths) -> str:
    """A path as it is listed: itself, or with {version} where it names one."""
    if path in paths or "/versions/" not in path:
        return path
    found = VERSION.sub("{version}", path, count=1)
    return found if found in paths else path


def refused(path: str, refusal: Refusal) -> Reply:
    """A refusal in the words of the protocol whose path was asked, or as the server's own."""
    for protocol in _modules():
        if path.startswith(protocol.PREFIX):
            return protocol.refused(refusal)
    return refusal.reply()


@functools.cache
def _modules() -> list[Spoken]:
    names = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    found: list[Spoken] = [importlib.import_module(name) for name in names]
    return found
