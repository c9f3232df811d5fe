"""What the files under deploy/ are for: an engine that builds the image, and promtool."""

from __future__ import annotations

from collections.abc import Iterator

from . import MISSING, OK, ROOT, Finding, program, told


def look() -> Iterator[Finding]:
    """Say whether the image can be built here, and whether alert rules can be tested."""
    if (ROOT / "deploy/Dockerfile").exists():
        yield _engine()
    if any(ROOT.glob("deploy/prometheus/*_test.yml")):
        yield _promtool()


def _engine() -> Finding:
    thing, needs_it = "container engine", "building the image of deploy/Dockerfile"
    found = program("docker", "podman")
    if not found:
        way_out = "install Docker or Podman, or let your CI build the image"
        said = "neither docker nor podman is on the PATH"
        return Finding(MISSING, thing, said, needs_it, way_out, True)
    if told(found, "info") is None:
        said = f"{found} is there, but does not answer"
        way_out = f"start it, or give this user the right to use it; `{found} info` says more"
        return Finding(MISSING, thing, said, needs_it, way_out, True)
    return Finding(OK, thing, f"{found} answers", needs_it, optional=True)


def _promtool() -> Finding:
    thing, needs_it = "promtool", "the tests of the alert rules, which are skipped without it"
    if found := program("promtool"):
        return Finding(OK, thing, found, needs_it, optional=True)
    systems = "Debian: apt-get install prometheus; macOS: brew install prometheus"
    way_out = f"it comes with Prometheus ({systems})"
    return Finding(MISSING, thing, "not on the PATH", needs_it, way_out, True)
