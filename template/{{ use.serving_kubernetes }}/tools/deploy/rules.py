"""The verb `rules`: deploy/prometheus as the operator of Prometheus takes it.

    python3 run.py rules      after a change in deploy/prometheus

kustomize cannot put one file into another, so each file of rules has a copy, a PrometheusRule,
which nobody writes by hand: `deploy --check` says when it is not what this writes.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.core.errors import shown

from . import DEPLOY, ROOT, read_text

RULES = DEPLOY / "prometheus"
COPIES = DEPLOY / "kubernetes" / "base" / "monitoring"
HEAD = """\
# Written by: python3 run.py rules
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {name}
spec:
"""


def main(argv: list[str]) -> int:
    """Write the copies that are not as they must be."""
    parser = argparse.ArgumentParser(prog="run.py rules", description=__doc__.split("\n")[0])
    parser.parse_args(argv)
    for path, text in wanted().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8", newline="\n")
            print(f"written: {path.relative_to(ROOT)}")
    return 0


def wanted() -> dict[Path, str]:
    """What each copy must hold."""
    sources = sorted(RULES.glob("*alerts.yml"))
    return {COPIES / f"{source.stem}.yaml": as_manifest(source) for source in sources}


def as_manifest(source: Path) -> str:
    """A file of rules as a manifest."""
    name = source.stem.replace("_", "-")
    return HEAD.format(name=name) + re.sub(r"^(?=.)", "  ", read_text(source), flags=re.M)


def faults() -> Iterator[str]:
    """Which copies are not what the rules say."""
    for path, text in wanted().items():
        if not path.exists() or path.read_text("utf-8") != text:
            yield (
                f"{path.relative_to(ROOT)} is not what {path.stem}.yml in deploy/prometheus says; "
                "write it with: python3 run.py rules"
            )


if __name__ == "__main__":
    sys.exit(shown("rules", lambda: main(sys.argv[1:])))
