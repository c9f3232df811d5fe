"""A Chromium, which the tests open the app in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import MISSING, OK, Finding, program

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)


def find() -> str | None:
    """The path of a Chromium or of a browser made from it."""
    return program(*NAMES) or next((place for place in PLACES if Path(place).exists()), None)


def look() -> Iterator[Finding]:
    """Say whether the tests can open the app in a browser."""
    needs_it = "the tests that open the app, which are skipped without it"
    if found := find():
        yield Finding(OK, "Chromium", found, needs_it, optional=True)
        return
    way_out = "install Chromium or Chrome (Debian: apt-get install chromium)"
    yield Finding(MISSING, "Chromium", "no Chromium or Chrome is there", needs_it, way_out, True)
