"""Rules and dashboard ask for this project alone, by the name that the settings give it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from engine.core.settings import load_settings

from . import DEPLOY, ROOT
from .manifests import documents

DASHBOARD = DEPLOY / "grafana/dashboard.json"
SELECTOR = re.compile(r"\{([^}]*)\}")


def faults() -> Iterator[str]:
    """Queries of rules and dashboard that do not ask for `name` in settings.toml.

    Every metric carries that name, so that several projects may share one Prometheus.
    """
    name = load_settings(ROOT / "settings.toml").name
    for path in sorted((DEPLOY / "prometheus").glob("*alerts.yml")):
        yield from _wrong(path, rules(path), name)
    if DASHBOARD.exists():
        yield from _wrong(DASHBOARD, queries(DASHBOARD), name)


def rules(path: Path) -> list[str]:
    """The expressions of a file of rules."""
    [found] = documents(path)
    return [rule["expr"] for group in found["groups"] for rule in group["rules"]]


def queries(path: Path) -> list[str]:
    """The queries of a dashboard, with its constants in their places."""
    found = json.loads(path.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in found["panels"] for target in panel.get("targets", [])]
    for variable in found["templating"]["list"]:
        if variable["type"] == "constant":
            asked = [query.replace(f"${variable['name']}", variable["query"]) for query in asked]
    return asked


def _wrong(path: Path, expressions: list[str], name: str) -> Iterator[str]:
    wanted = f'project="{name}"'
    for expression in expressions:
        selectors = SELECTOR.findall(expression)
        if not selectors or any(wanted not in selector for selector in selectors):
            asked = re.sub(r"\s+", " ", expression)
            yield f"{path.name}: {asked} does not ask for {wanted}, as settings.toml names it"
