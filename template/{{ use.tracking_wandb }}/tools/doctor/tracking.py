"""The server of Weights & Biases, where one is named."""

from __future__ import annotations

from collections.abc import Iterator

from . import CANNOT_TELL, OK, Finding, place, server, settings


def look() -> Iterator[Finding]:
    """Say whether the server takes a connection; without one runs stay here."""
    thing, needs_it = "Weights & Biases", "showing runs; a run is kept in the store even so"
    url = str(settings().get("tracking_url", ""))
    if not url:
        yield Finding(OK, thing, "recorded on this disk; tracking_url names no server", needs_it)
        return
    if there := place(url):
        way_out = "mend tracking_url, or wait; `python3 run.py track` sends what it missed"
        yield server(thing, *there, needs_it, way_out)._replace(optional=True)
    else:
        yield Finding(CANNOT_TELL, thing, "tracking_url names no host", needs_it)
