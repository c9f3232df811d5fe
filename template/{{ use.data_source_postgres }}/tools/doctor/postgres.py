"""The database that the rows come from, where contract.toml names one."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from . import CANNOT_TELL, MISSING, OK, ROOT, Finding, place, server

VARIABLE = "env:"


def look() -> Iterator[Finding]:
    """Say whether the address of the database is set and its server takes a connection."""
    thing, needs_it = "PostgreSQL", "up and train, which read the rows"
    source = _source()
    if not isinstance(source, str) or not source.startswith(VARIABLE):
        yield Finding(OK, thing, "not used yet: dataset.source names no database", needs_it)
        return
    name = source.removeprefix(VARIABLE)
    if not os.environ.get(name):
        way_out = f"{name}=<the address, such as postgresql and what follows> in the environment"
        yield Finding(MISSING, thing, f"{name} is not set", needs_it, way_out)
    elif there := place(os.environ[name]):
        yield server(thing, *there, needs_it, f"start the server, or mend {name}")
    else:
        yield Finding(CANNOT_TELL, thing, f"{name} names no host", needs_it)


def _source() -> Any:
    with suppress(OSError, tomllib.TOMLDecodeError):  # the verbs say what is wrong with it
        contract = tomllib.loads((ROOT / "contract.toml").read_text(encoding="utf-8"))
        return contract.get("dataset", {}).get("source")
    return None
