"""Secrets: those of [tool.run.secrets] in pyproject.toml, as far as the settings ask for them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import MISSING, OK, ROOT, Finding, settings

HOLDS_ONE = re.compile(r"://[^/@]*:[^/@]+@")


class Secret(NamedTuple):
    """What comes from the environment alone."""

    variable: str
    opens: str
    setting: str
    """Without it nobody asks for the secret; empty: that does not depend on a setting."""
    jobs: list[str]


def look() -> Iterator[Finding]:
    """Say which secrets the settings ask for, and whether they are there; never their values."""
    said = {**os.environ, **settings()}
    for secret in secrets():
        thing, needs_it = f"secret {secret.variable}", f"{secret.opens}, if it wants a key"
        if os.environ.get(secret.variable):
            yield Finding(OK, thing, "in the environment", needs_it, optional=True)
        elif is_asked_for(secret, said):
            why = f"{secret.setting} is set, and there is no such variable"
            way_out = f"{secret.variable}=<the key> in the environment"
            yield Finding(MISSING, thing, why, needs_it, way_out, True)


def secrets() -> list[Secret]:
    """Every secret that the project knows."""
    found = _table("secrets").items()
    return [
        Secret(name, each["opens"], each.get("setting", ""), each["jobs"]) for name, each in found
    ]


def reached() -> dict[str, int]:
    """The settings that name whom the server asks, and the port where that usually answers."""
    return _table("reaches")


def is_asked_for(secret: Secret, said: Mapping[str, Any]) -> bool:
    """Whether its setting is filled, and by no URL that has the password in it."""
    value = str(said.get(secret.setting) or "")
    return bool(value) and not HOLDS_ONE.search(value)


def _table(name: str) -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = project["tool"]["run"].get(name, {})
    return found
