"""Look for known vulnerabilities in the locked packages, with pip-audit, which takes the arguments.

Exit codes: 0 none is known, 1 some are, 69 the advisory service did not answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

UNREACHABLE = 69
CALL = ["pip_audit", "--format", "json", "--progress-spinner", "off"]
LOCKED = ["--requirement", "requirements.lock", "--require-hashes", "--disable-pip"]


def main(argv: list[str]) -> int:
    """Print each known vulnerability, and how many packages were looked up."""
    call = [sys.executable, "-m", *CALL, *LOCKED, *argv]
    done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return failed(done.stderr)
    return report(packages)


def report(packages: list[dict[str, Any]]) -> int:
    """One line for each vulnerability. A service that knows no package at all did not answer."""
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return failed("ConnectionError: it knows none of the packages")
    found = [(package, hole) for package in packages for hole in package.get("vulns", ())]
    for package, hole in found:
        fixed = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {hole['id']}, fixed in {fixed}")
    if skipped:
        print(f"the advisory service does not know: {', '.join(skipped)}")
    print(f"{len(packages) - len(skipped)} packages looked up, {len(found)} vulnerabilities known")
    return 1 if found else 0


def failed(said: str) -> int:
    """Tell a silent service from a wrong call."""
    if "ConnectionError" in said or "Timeout" in said:
        last = said.strip().splitlines()[-1]
        print(f"audit: nothing was checked, the advisory service did not answer: {last}")
        return UNREACHABLE
    print(said, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
