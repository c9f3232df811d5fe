"""A machine with Docker: the server, and what watches it, by deploy/compose.yml."""

import os
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from . import DEPLOY, Check, Step, compose, handed, project
from .manifests import documents, schema

NAME = "Docker Compose"
STAGES = ("here",)
PROGRAMS = {"docker": "Docker Engine with its plugins buildx and compose, 2.24 or newer"}
PROMETHEUS = DEPLOY / "prometheus/prometheus.yml"
ALERTMANAGER = DEPLOY / "alertmanager/alertmanager.yml"
GRAFANA = DEPLOY / "grafana/provisioning/datasources/prometheus.yml"
FOLDERS = "import pathlib, sys; [pathlib.Path(n).mkdir(exist_ok=True) for n in sys.argv[1:]]"


def checks() -> list[Check]:
    """What can be said of the files without Docker."""
    rules = sorted(PROMETHEUS.parent.glob("*alerts.yml"))
    forms = [*((path, "compose") for path in compose.files()), (PROMETHEUS, "prometheus")]
    forms += [(ALERTMANAGER, "alertmanager"), *((path, "prometheus_rules") for path in rules)]
    keep = [
        Check(f"deploy/{path.relative_to(DEPLOY)} keeps its schema", partial(_form, path, name))
        for path, name in forms
    ]
    return [
        *keep,
        Check("what a service mounts or waits for is there", _said(compose.references)),
        Check("nobody is root, and only the server can be reached", _said(compose.doors)),
        Check(f"the server is handed its secrets{_missing()}", _said(compose.secrets)),
        Check("the server has its time to stop", _said(compose.grace)),
        Check("Prometheus, Alertmanager and Grafana reach each other", _said(_addresses)),
        Check(f"alerts have a receiver; {_told()}", _said(_receivers)),
        Check("rules and dashboard ask for this project", _said(project.faults)),
    ]


def steps(stage: str, image: str) -> list[Step]:
    """Build the image on this machine and start everything."""
    del stage
    files = [part for path in compose.files() for part in ("--file", f"deploy/{path.name}")]
    up = ["docker", "compose", *files, "up", "--detach", "--wait"]
    told = {"APP_IMAGE": image}
    if hasattr(os, "getgid"):  # who made the store lets the group read it
        told["APP_GROUP"] = str(os.getgid())
        told |= {"APP_USER": str(os.getuid())} if "models" in compose.made() else {}
    return [
        Step("make the folders that are mounted", [sys.executable, "-c", FOLDERS, *compose.made()]),
        Step("build the image", ["docker", "build", "-f", "deploy/Dockerfile", "-t", image, "."]),
        Step("start", up, told),
    ]


def _said(look: Callable[[], Iterator[str]]) -> Callable[[], list[str]]:
    """A look at a file that may have any form; the check of its form says what is wrong there."""

    def safe() -> list[str]:
        try:
            return list(look())
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            return [f"it cannot be told: {type(error).__name__}: {error}"]

    return safe


def _form(path: Path, name: str) -> Iterator[str]:
    try:
        found = list(documents(path))
    except (OSError, ValueError) as error:
        yield str(error)
        return
    if len(found) != 1:
        yield f"{path.name} holds {len(found)} documents; it must be one"
    for document in found:
        for fault in Draft7Validator(schema(name)).iter_errors(document):
            cause = best_match([fault])  # the deepest one, where several forms are allowed
            place = ".".join(map(str, cause.absolute_path)) or path.name
            yield f"{place}: {cause.message[:200]}"


def _addresses() -> Iterator[str]:
    known = compose.ports()
    [prometheus], [grafana] = documents(PROMETHEUS), documents(GRAFANA)
    groups = [*prometheus["scrape_configs"], *prometheus["alerting"]["alertmanagers"]]
    asked = [
        (PROMETHEUS.name, target)
        for group in groups
        for each in group.get("static_configs", [])
        for target in each["targets"]
    ]
    asked += [(GRAFANA.name, each["url"].rpartition("/")[2]) for each in grafana["datasources"]]
    for file, address in asked:
        host, _, port = address.partition(":")
        if port not in known.get(host, ()):
            yield f"{file} asks {address}, which no service of compose.yml is"
    for path in PROMETHEUS.parent.glob("*alerts.yml"):
        if not any(fnmatch(path.name, pattern) for pattern in prometheus["rule_files"]):
            yield f"{PROMETHEUS.name} does not load {path.name}"


def _receivers() -> Iterator[str]:
    [found] = documents(ALERTMANAGER)
    names = {receiver["name"] for receiver in found["receivers"]}
    for route in [found["route"], *found["route"].get("routes", [])]:
        if route.get("receiver", found["route"]["receiver"]) not in names:
            yield f"{ALERTMANAGER.name} has no receiver {route['receiver']}"


def _missing() -> str:
    given = compose.alone()
    told = {name: value for name, value in given.items() if not name.endswith("_KEY")}
    return handed.missing(told, given, f"in deploy/{compose.ALONE}")


def _told() -> str:
    """Whether anybody would be told, which is nothing that could be wrong on the first day."""
    try:
        [found] = documents(ALERTMANAGER)
        is_told = any(len(receiver) > 1 for receiver in found["receivers"])
    except (OSError, ValueError, TypeError, KeyError):
        is_told = False
    place = "deploy/alertmanager/alertmanager.yml"
    return "somebody is told" if is_told else f"nobody is told yet: fill it in in {place}"
