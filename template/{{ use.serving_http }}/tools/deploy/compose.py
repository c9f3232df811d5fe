"""What is wrong with deploy/compose*.yml beside its form: names without a thing, and open doors.

compose.yml is the server and what watches it; a file compose.NAME.yml beside it adds to that, as
Docker Compose merges files that are given one after the other.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.core.settings import load_settings

from . import DEPLOY, ROOT, handed
from .manifests import documents

Services = Mapping[str, dict[str, Any]]

COMPOSE = DEPLOY / "compose.yml"
SERVER = "server"
ALONE = "server.env"  # what the server alone is to know
GIVEN = re.compile(r"(?m)^\s*(?:export\s+)?(\w+)=(\S.*)$")
MADE = ("../store", "../reports", "../models")  # git has none of them; `deploy` makes them
LOOPBACK = "127.0.0.1:"
VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
CLOSED = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
GRACE = 5  # seconds to write out what is left, after drain_seconds


def files() -> list[Path]:
    """compose.yml, and what is added to it."""
    return [COMPOSE, *sorted(DEPLOY.glob("compose.*.yml"))]


def read() -> Any:
    """The files as one, with the default of every variable in its place.

    Raises ValueError when one is no YAML, or a variable has no default.
    """
    found: Any = {}
    for path in files():
        [more] = documents(path)
        found = merged(found, more)
    return _filled(found)


def merged(old: Any, new: Any) -> Any:
    """One file with another laid over it: mappings are merged, lists grow, values are replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return [*old, *new] if isinstance(old, list) and isinstance(new, list) else new


def made() -> list[str]:
    """The folders that have to be there before a service can mount them."""
    services: Services = read()["services"]
    mounted = {mount["source"] for each in services.values() for mount in each.get("volumes", [])}
    return [Path(source).name for source in MADE if source in mounted]


def references() -> Iterator[str]:
    """Folders, files and volumes that a service mounts, and services that it waits for."""
    compose = read()
    services: Services = compose["services"]
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount["source"]
            if mount["type"] == "volume" and source not in compose.get("volumes", {}):
                yield f"services.{name}: there is no volume {source}"
            is_ours = mount["type"] == "bind" and source not in MADE
            if is_ours and not (DEPLOY / source).exists():
                yield f"services.{name}: {source} is not there"
        for other in service.get("depends_on", ()):
            if other not in services:
                yield f"services.{name}: there is no service {other}"


def doors() -> Iterator[str]:
    """Who could come in from elsewhere, and what they could do then."""
    services: Services = read()["services"]
    for name, service in services.items():
        for key, wanted in CLOSED.items():
            if service.get(key) != wanted:
                yield f"services.{name}.{key} must be {wanted}"
        if str(service.get("user", "root")).partition(":")[0] in ("root", "0"):
            yield f"services.{name}.user must be set, and not root"
        if "limits" not in service.get("deploy", {}).get("resources", {}):
            yield f"services.{name}.deploy.resources.limits must be set"
        if name != SERVER and not DIGEST.search(service.get("image", "")):
            yield f"services.{name}.image must end in @sha256:, so that nobody can exchange it"
        for port in service.get("ports", []):
            if name != SERVER and not str(port).startswith(LOOPBACK):
                yield f"services.{name}.ports: {port} must begin with {LOOPBACK}"


def secrets() -> Iterator[str]:
    """Whether the server gets its secrets from server.env, and none from a file of git."""
    server = read()["services"][SERVER]
    paths = {each["path"] for each in server.get("env_file", [])}
    told = server.get("environment", {})
    yield from handed.faults(told, f"services.{SERVER}", closed=ALONE not in paths)


def alone() -> dict[str, str]:
    """What server.env says on this machine; nothing where it is not there."""
    path = DEPLOY / ALONE
    return dict(GIVEN.findall(path.read_text("utf-8"))) if path.is_file() else {}


def grace() -> Iterator[str]:
    """Whether the server may take the time to end that its settings give it."""
    given = str(read()["services"][SERVER].get("stop_grace_period", "10s"))
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", given)
    seconds = int(found[1] or 0) * 60 + int(found[2] or 0) if found and given else 0
    least = load_settings(ROOT / "settings.toml").drain_seconds + GRACE
    if seconds < least:
        said = f"services.{SERVER}.stop_grace_period is {given}"
        yield f"{said}; drain_seconds asks for {least}s or more"


def ports() -> dict[str, set[str]]:
    """Each service with the ports that it has inside; what the others may ask it at."""
    services: Services = read()["services"]
    known = {"reports": {"9100"}}  # node_exporter's own, which nobody outside reaches
    return {
        name: known.get(name, {str(port).rpartition(":")[2] for port in service.get("ports", [])})
        for name, service in services.items()
    }


def _filled(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _filled(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_filled(each) for each in found]
    return VARIABLE.sub(_default, found) if isinstance(found, str) else found


def _default(variable: re.Match[str]) -> str:
    if variable[2] is None:
        name = variable[1]
        raise ValueError(f"compose.yml: ${{{name}}} has no default, as ${{NAME:-default}} has")
    return variable[2]
