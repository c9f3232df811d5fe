"""The language model as Docker Compose starts it."""

import re
from typing import Any

from .. import compose, target
from ..manifests import documents
from . import Placed

SERVICE = "language-model"


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
