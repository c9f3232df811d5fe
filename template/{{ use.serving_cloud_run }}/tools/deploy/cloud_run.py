"""What a service must keep beside its schema: values of annotations, limits, the server's needs.

The limits are those of Cloud Run's YAML reference and container contract, read in November 2026.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.core.errors import SettingsError
from engine.core.settings import PREFIX, load_settings
from engine.core.storage import ANSWERS, object_store

from . import DEPLOY, handed, read_text

OURS = ("run.googleapis.com/", "autoscaling.knative.dev/")
YES_NO, COUNT = "true|false", r"\d+"
VALUES = {
    "autoscaling.knative.dev/maxScale": COUNT,
    "autoscaling.knative.dev/minScale": COUNT,
    "run.googleapis.com/cpu-throttling": YES_NO,
    "run.googleapis.com/default-url-disabled": YES_NO,
    "run.googleapis.com/execution-environment": "gen1|gen2",
    "run.googleapis.com/health-check-disabled": YES_NO,
    "run.googleapis.com/ingress": "all|internal|internal-and-cloud-load-balancing",
    "run.googleapis.com/invoker-iam-disabled": YES_NO,
    "run.googleapis.com/launch-stage": "ALPHA|BETA|GA",
    "run.googleapis.com/manualInstanceCount": COUNT,
    "run.googleapis.com/maxScale": COUNT,
    "run.googleapis.com/minScale": COUNT,
    "run.googleapis.com/scalingMode": "automatic|manual",
    "run.googleapis.com/sessionAffinity": YES_NO,
    "run.googleapis.com/startup-cpu-boost": YES_NO,
    "run.googleapis.com/vpc-access-egress": "all-traffic|private-ranges-only",
}
NAME = r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?"
GRACE = 10  # seconds from SIGTERM to SIGKILL
LOG_SECONDS = 5  # that the server takes at most to write the prediction log
HEALTH = {"startupProbe": "/health/ready", "livenessProbe": "/health/live"}
UNITS = {"Mi": 1, "Gi": 1024}


def annotations(service: Any, known: Mapping[str, list[str]]) -> Iterator[str]:
    """Annotations that Cloud Run does not take where they stand, or not with this value."""
    places = {"Service": service["metadata"], "Revision": service["spec"]["template"]["metadata"]}
    for kind, metadata in places.items():
        for name, value in metadata.get("annotations", {}).items():
            if not name.startswith(OURS):
                continue
            if name not in known[kind]:
                near = difflib.get_close_matches(name, known[kind], 1)
                said = f"; {near[0]} is near" if near else ""
                yield f"{name}: no annotation of a {kind.lower()}{said}"
            elif not re.fullmatch(VALUES.get(name, ".*"), str(value)):
                yield f"{name}: {value!r} is none of {VALUES[name]}"


def limits(service: Any) -> Iterator[str]:
    """What Cloud Run refuses only when it is asked, or takes and cuts short."""
    spec = service["spec"]["template"]["spec"]
    if not re.fullmatch(NAME, str(service["metadata"].get("name", ""))):
        yield "metadata.name: lower case, digits and dashes, a letter first, at most 49 characters"
    for name, least, most in (("containerConcurrency", 1, 1000), ("timeoutSeconds", 1, 3600)):
        if not least <= spec.get(name, least) <= most:
            yield f"{name}: {spec[name]} is not between {least} and {most}"
    shares = service["spec"].get("traffic", [{"latestRevision": True, "percent": 100}])
    if (total := sum(share.get("percent", 0) for share in shares)) != 100:
        yield f"traffic: the shares are {total} percent together, not 100"
    for share in shares:
        if bool(share.get("latestRevision")) == bool(share.get("revisionName")):
            yield f"traffic: {share} needs latestRevision: true or a revisionName, and not both"
    if len(spec["containers"]) == 1:
        yield from _container(spec["containers"][0])


def _container(container: Any) -> Iterator[str]:
    found = container.get("resources", {}).get("limits", {})
    memory = re.fullmatch(r"(\d+)(Mi|Gi)", str(found.get("memory", "")))
    if not memory or int(memory[1]) * UNITS[memory[2]] < 512:
        yield "resources.limits.memory: at least 512Mi, where the processor is not taken away"
    if str(found.get("cpu")) not in ("1", "2", "4", "6", "8"):
        yield "resources.limits.cpu: 1, 2, 4, 6 or 8, where the processor is not taken away"
    for name, path in HEALTH.items():
        probe = container.get(name)
        if not probe or probe.get("httpGet", {}).get("path") != path:
            yield f"{name}: it asks GET {path}"
            continue
        period = probe.get("periodSeconds", 10)
        if probe.get("timeoutSeconds", 1) > period:
            yield f"{name}: timeoutSeconds is longer than periodSeconds"
        if name == "startupProbe" and period * probe.get("failureThreshold", 3) > 240:
            yield "startupProbe: periodSeconds times failureThreshold is at most 240"


def told(service: Any) -> Iterator[str]:
    """What the server is told: settings that exist, its port, no secret, enough time to end."""
    [container] = service["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in container.get("env", [])}
    for name in sorted({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"} & set(env)):
        yield f"env {name}: Cloud Run sets it, and refuses who does"
    yield from handed.faults(env, "service.yaml")
    plain = {name: value for name, value in env.items() if value is not None}
    try:
        settings = load_settings(DEPLOY.parent / "settings.toml", image() | plain)
    except SettingsError as error:
        yield f"env: {error}"
        return
    ports = [port.get("containerPort") for port in container.get("ports", [])]
    if ports != [settings.port]:
        yield f"ports: {ports}, but the server listens at {settings.port}"
    longest = 2 * settings.drain_seconds + LOG_SECONDS
    if longest >= GRACE:
        yield f"env APP_DRAIN_SECONDS: an end may take {longest} s, and is cut off after {GRACE}"
    for name in ("store", "prediction_log"):
        where, said = getattr(settings, name), f"env {PREFIX}{name.upper()}"
        scheme, is_url, _ = where.partition("://")
        if is_url and object_store(scheme) is None:
            way = f"python3 run.py template update -d artifact_store={ANSWERS.get(scheme, 'gcs')}"
            yield f"{said}: there is no code for {where}; bring it in with: {way}"
        elif not is_url and where not in ("", "-"):
            yield f"{said}: {where} is lost with the instance; gs://bucket/path stays"


def image() -> dict[str, str]:
    """What deploy/Dockerfile tells the server."""
    return dict(re.findall(r"(APP_\w+)=(\S+)", read_text(DEPLOY / "Dockerfile")))
