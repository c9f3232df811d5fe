"""The service of a stage: deploy/cloud-run/service.yaml, filled in from stages.yaml.

`python3 -m tools.deploy.stages STAGE IMAGE` writes it to deploy/cloud-run/filled/STAGE.yaml.
"""

import json
import re
import string
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import yaml

from engine.core.errors import SettingsError, shown

from . import DEPLOY, read_text
from .manifests import documents

FOLDER = DEPLOY / "cloud-run"
ABSENT = re.compile(r' *- name: \w+\n *valueFrom: \{secretKeyRef: \{[^}]*key: "0"\}\}\n')


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stages.yaml says of one."""

    project: str
    region: str
    min_instances: int
    max_instances: int
    api_key_version: int
    secrets: dict[str, int] = {}
    traffic: list[dict[str, Any]]


def stages() -> dict[str, Stage]:
    """The stages by their names.

    Raises SettingsError naming the place and the rule.
    """
    try:
        [read] = documents(FOLDER / "stages.yaml")
        return msgspec.convert(read, dict[str, Stage])
    except (ValueError, msgspec.ValidationError) as error:
        raise SettingsError(f"deploy/cloud-run/stages.yaml: {error}") from None


def filled(name: str, stage: Stage, image: str, *, whole: bool = False) -> str:
    """service.yaml for a stage and an image, without the secrets that the stage does not have.

    `whole`: with them.

    Raises SettingsError when it asks for what the stage does not have.
    """
    values = {**msgspec.to_builtins(stage), "stage": name, "image": image}
    values["traffic"] = json.dumps(stage.traffic)
    values |= {f"{name}_version": version for name, version in stage.secrets.items()}
    values["deployed"] = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    try:
        found = string.Template(read_text(FOLDER / "service.yaml")).substitute(values)
        return found if whole else ABSENT.sub("", found)
    except (KeyError, ValueError) as error:
        known = ", ".join(sorted(values))
        said = f"{error} is no value of a stage; there are: {known}"
        raise SettingsError(f"deploy/cloud-run/service.yaml: {said}") from None


def asked() -> set[str]:
    """The names of the versions of secrets that service.yaml asks for."""
    return set(re.findall(r'key: "\$\{(\w+)\}"', read_text(FOLDER / "service.yaml")))


def service(name: str, image: str = "image", *, whole: bool = False) -> Any:
    """The filled-in service of a stage, read; `whole`: with the secrets that it does not have.

    Raises ValueError naming the line, where it is no YAML, and where it is not one document.
    """
    found = [*documents(FOLDER / "service.yaml")]  # as it stands: a line that a person can find
    if len(found) != 1:
        raise ValueError(f"service.yaml holds {len(found)} documents; a service is one")
    return yaml.safe_load(filled(name, stages()[name], image, whole=whole))


def main(argv: list[str]) -> int:
    """Write the service of a stage, for gcloud."""
    name, image = argv
    target = FOLDER / "filled" / f"{name}.yaml"
    target.parent.mkdir(exist_ok=True)
    target.write_text(filled(name, stages()[name], image), "utf-8")
    print(f"written: {target.relative_to(DEPLOY.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(shown("deploy", lambda: main(sys.argv[1:])))
