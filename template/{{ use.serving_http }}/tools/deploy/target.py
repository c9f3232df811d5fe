"""A machine with Docker: the server, and what watches it, by deploy/compose.yml."""

from collections.abc import Iterator

from . import DEPLOY, Check, Step
from .manifests import documents

NAME = "Docker Compose"
STAGES = ("here",)
PROGRAMS = {"docker": "Docker Engine with its plugins buildx and compose"}
COMPOSE = DEPLOY / "compose.yml"


def checks() -> list[Check]:
    """What can be said of the files without Docker."""
    return [Check("deploy/compose.yml names files that are there", _mounts)]


def steps(stage: str, image: str) -> list[Step]:
    """Build the image on this machine and start everything."""
    del stage
    compose = ["docker", "compose", "--file", "deploy/compose.yml"]
    return [
        Step("build the image", ["docker", "build", "-f", "deploy/Dockerfile", "-t", image, "."]),
        Step("start", [*compose, "up", "--detach", "--wait"]),
    ]


def _mounts() -> Iterator[str]:
    try:
        [compose] = documents(COMPOSE)
    except ValueError as error:
        yield str(error)
        return
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = str(volume).partition(":")[0]
            if source.startswith(".") and not (DEPLOY / source).exists():
                yield f"services.{name}: {source} is not there"
