"""The language model as Docker Compose starts it."""

import re
from typing import Any, NamedTuple

from .. import compose, target
from ..manifests import documents

SERVICE = "language-model"


class Placed(NamedTuple):
    """What the files say of it."""

    image: str
    arguments: list[str]
    environment: dict[str, str]
    gpus: int
    shared_memory: bool
    kept: list[str]
    """Where in it a volume outlives the container."""
    probes: dict[str, str]
    """The paths that the platform asks it for."""
    port: int
    host: str
    asked: list[str]
    """What the servers are told its address is."""
    scraped: set[str]
    """What Prometheus reads: host and port."""


def found() -> Placed:
    """It, in the files as one."""
    services: dict[str, Any] = compose.read()["services"]
    it = services[SERVICE]
    resources = it["deploy"]["resources"]
    devices = resources.get("reservations", {}).get("devices", [])
    probes = re.findall(r"http://[^/\s]+(/\S*)", " ".join(it["healthcheck"]["test"]))
    [prometheus] = documents(target.PROMETHEUS)
    told = services[compose.SERVER].get("environment", {}).get("APP_LLM_URL")
    return Placed(
        image=it["image"],
        arguments=it["command"],
        environment=it["environment"],
        gpus=sum(device["count"] for device in devices),
        shared_memory="shm_size" in it,
        kept=[mount["target"] for mount in it["volumes"]],
        probes={"healthcheck": probes[0] if probes else ""},
        port=int(str(it["ports"][0]).rpartition(":")[2]),
        host=SERVICE,
        asked=[told] if told else [],
        scraped={
            each
            for job in prometheus["scrape_configs"]
            for group in job.get("static_configs", [])
            for each in group["targets"]
        },
    )
