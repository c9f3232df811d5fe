"""The vector store, where settings.toml or the environment names one."""

from __future__ import annotations

from collections.abc import Iterator

from . import CANNOT_TELL, OK, Finding, place, server, settings


def look() -> Iterator[Finding]:
    """Say whether the vector store takes a connection."""
    thing, needs_it = "vector store", "index and serve, which search vectors there"
    url = str(settings().get("vector_url") or "")
    if not url:
        yield Finding(OK, thing, "not used yet: vector_url is empty", needs_it)
    elif there := place(url if "://" in url else f"https://{url}"):
        yield server(thing, *there, needs_it, "start the server, or mend vector_url")
    else:
        yield Finding(CANNOT_TELL, thing, "vector_url names no host", needs_it)
