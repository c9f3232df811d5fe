"""The server of MLflow, where one is named."""

from __future__ import annotations

from collections.abc import Iterator

from . import CANNOT_TELL, OK, Finding, place, server, settings


def look() -> Iterator[Finding]:
    """Say whether the tracking server takes a connection; without one runs are kept here."""
    thing, needs_it = "MLflow", "showing runs; a run is kept in the store even so"
    url = str(settings().get("tracking_url", ""))
    if not url:
        yield Finding(OK, thing, "its local database; tracking_url names no server", needs_it)
    elif there := place(url):
        way_out = (
            "start the server, or mend tracking_url; `python3 run.py track` sends what it missed"
        )
        yield server(thing, *there, needs_it, way_out)._replace(optional=True)
    else:
        yield Finding(CANNOT_TELL, thing, "tracking_url names no host", needs_it)
