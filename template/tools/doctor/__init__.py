"""What this machine lacks for this project, said before anything is installed.

Each module of this folder looks at one matter and offers `look() -> Iterator[Finding]`; a file that
is put here is asked as well. Only the standard library is there: nothing may be installed yet.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OK, MISSING, CANNOT_TELL = "ok", "missing", "cannot tell"
SECONDS = 5  # for a server to take a connection


class Finding(NamedTuple):
    """What was found of one thing, what needs it, and what to do where it is missing."""

    state: str
    thing: str
    said: str
    needs_it: str
    way_out: str = ""
    optional: bool = False
    """Every verb works without it, if not as well."""


def settings() -> dict[str, Any]:
    """What settings.toml says, overlaid by APP_ variables; texts as they stand there."""
    file = ROOT / "settings.toml"
    found: dict[str, Any] = {}
    with suppress(OSError, ValueError):  # `running` says what is wrong with it
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    own = {key[4:].lower(): text for key, text in os.environ.items() if key.startswith("APP_")}
    return {**found, **own}


def program(*names: str) -> str | None:
    """The path of the first of these programs that is there; the environment's own do not count."""
    inside = str(ROOT / ".venv")
    places = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(place for place in places if not place.startswith(inside))
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def told(*words: str, seconds: float = 10) -> str | None:
    """What a program prints, errors too; None where it fails, hangs or is not there."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, cwd=ROOT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else (done.stdout + done.stderr).strip()


def server(thing: str, host: str, port: int, needs_it: str, way_out: str) -> Finding:
    """Whether a server takes a connection."""
    try:
        socket.create_connection((host, port), SECONDS).close()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        return Finding(MISSING, thing, f"{host}:{port} is not reached: {reason}", needs_it, way_out)
    return Finding(OK, thing, f"{host}:{port} takes a connection", needs_it)


def place(url: str) -> tuple[str, int] | None:
    """Host and port of a URL, never its password; None where it names none."""
    usual = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432}
    match = re.fullmatch(r"(\w+)://(?:.*@)?(\[[^]]+]|[^/@:?#]+)(?::(\d+))?(?:[/?#].*)?", url)
    if not match or not (match[3] or match[1] in usual):
        return None
    return match[2].strip("[]"), int(match[3] or usual[match[1]])


def writable(folder: Path) -> str:
    """Why nothing can be written there, in words; empty where it can."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        return f"{there} is a file, not a folder"
    if there == folder:
        probe = there / f".doctor-{os.getpid()}"
        try:
            probe.touch()
            probe.unlink()
        except OSError as error:
            return f"{there}: {error.strerror}"
    elif not os.access(there, os.W_OK | os.X_OK):
        return f"{folder} is not there, and {there} may not be written by this user"
    return ""


def modules() -> Iterator[str]:
    """The matters that are looked at, by name."""
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if not file.name.startswith("_"):
            yield file.stem
