"""The server of Weights & Biases, where one is named, and its key."""

from __future__ import annotations

import os
from collections.abc import Iterator

from . import CANNOT_TELL, MISSING, OK, Finding, place, server, settings

KEY = "WANDB_API_KEY"


def look() -> Iterator[Finding]:
    """Say whether the server takes a connection and there is a key; without one runs stay here."""
    thing, needs_it = "Weights & Biases", "showing runs; a run is kept in the store even so"
    url = str(settings().get("tracking_url", ""))
    if not url:
        yield Finding(OK, thing, "recorded on this disk; tracking_url names no server", needs_it)
        return
    if not os.environ.get(KEY):
        said, way_out = f"{KEY} is not set", f"{KEY}=<a key of your account> in the environment"
        yield Finding(MISSING, f"key of {thing}", said, needs_it, way_out, True)
    if there := place(url):
        way_out = "mend tracking_url, or wait; `python3 run.py track` sends what it missed"
        yield server(thing, *there, needs_it, way_out)._replace(optional=True)
    else:
        yield Finding(CANNOT_TELL, thing, "tracking_url names no host", needs_it)
