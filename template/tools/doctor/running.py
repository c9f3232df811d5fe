"""What the running system takes from this machine: folders that it writes, and its port."""

from __future__ import annotations

import socket
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import MISSING, OK, ROOT, Finding, settings, writable

FOLDERS = {  # setting: what it has where settings.toml is silent, and what needs it
    "store": ("store", "train, promote, and everything that reads a model"),
    "prediction_log": ("logs", "the log of predictions, which monitor reads"),
    "output": ("", "batch"),
    "site": ("", "export"),
}


def look() -> Iterator[Finding]:
    """Say whether the folders of the settings can be written, and whether the port is free."""
    known = settings()
    if why := _unreadable(ROOT / "settings.toml"):
        yield Finding(MISSING, "settings.toml", why, "every verb that reads it", "mend that place")
    for name, (usual, needs_it) in FOLDERS.items():
        value = str(known.get(name, usual))
        if value not in ("", "-") and "://" not in value:
            yield _folder(name, value, needs_it)
    if "port" in known:
        yield _port(known)


def _unreadable(file: Path) -> str:
    """Why nothing is known of what the file sets; empty where it can be read."""
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        return f"it cannot be read, so that nothing in it was looked at: {error}"
    return ""


def _folder(name: str, value: str, needs_it: str) -> Finding:
    if why := writable(ROOT / Path(value)):
        way_out = f"give this user the right to write there, or set {name} in settings.toml"
        return Finding(MISSING, name, why, needs_it, way_out)
    return Finding(OK, name, f"{value} can be written", needs_it)


def _port(known: dict[str, Any]) -> Finding:
    host, port = str(known.get("host", "127.0.0.1")), str(known["port"])
    thing, needs_it = f"port {port}", "up and serve"
    way_out = "another one: APP_PORT=<number>, or port in settings.toml"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, int(port)))
    except (ValueError, OverflowError):
        return Finding(MISSING, thing, "not a number from 0 to 65535", needs_it, way_out)
    except OSError as error:
        if _answers(host, port):
            said = "taken, by a server that says it is alive: this project's, or one like it"
            return Finding(OK, thing, said, needs_it)
        said = f"cannot be taken on {host}: {error.strerror}"
        return Finding(MISSING, thing, said, needs_it, way_out)
    return Finding(OK, thing, f"free on {host}", needs_it)


def _answers(host: str, port: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    shown = f"[{host}]" if ":" in host else host
    try:
        with direct.open(f"http://{shown}:{port}/health/live", timeout=2) as reply:
            return bool(reply.status == 200)
    except (OSError, ValueError):
        return False
