"""Look for known vulnerabilities in the locked packages, with pip-audit.

Every lock is looked at: that of the project and those of folders with a lock of their own. Exit
codes: 0 none is known, 1 some are, 69 the advisory service did not answer. Arguments that are not
listed here are pip-audit's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from .lock import folders

UNREACHABLE = 69
WRONG_CALL = 2
CALL = ["pip_audit", "--format", "json", "--progress-spinner", "off"]
LOCKED = ["--require-hashes", "--disable-pip", "--requirement"]
ANSWERED = Path(".audit_cache/answered")  # the last day on which every lock was looked up


def main(argv: list[str]) -> int:
    """Print each known vulnerability, and how many packages were looked up in each lock."""
    parser = argparse.ArgumentParser(prog="run.py audit", description=__doc__)
    wait = "let silence pass if the service answered within so many days; .audit_cache remembers"
    parser.add_argument("--patience", type=int, metavar="DAYS", help=wait)
    asked, passed_on = parser.parse_known_args(argv)
    worst = 0
    for folder in folders():
        code = audit(folder / "requirements.lock", passed_on)
        if code == WRONG_CALL:
            return code
        worst = code if worst != 1 and code else worst  # what is known weighs more than silence
    today = datetime.now(UTC).date()
    if worst != UNREACHABLE:
        ANSWERED.parent.mkdir(exist_ok=True)
        ANSWERED.write_text(today.isoformat(), encoding="utf-8")
    elif asked.patience is not None and is_bearable(today, asked.patience):
        return 0
    return worst


def is_bearable(today: date, patience: int) -> bool:
    """Whether the service answered lately; a day that nobody remembers, or to come, is none."""
    try:
        days = (today - date.fromisoformat(ANSWERED.read_text(encoding="utf-8").strip())).days
    except (OSError, ValueError):
        print("it is not known when the advisory service last answered, so its silence is an alarm")
        return False
    bearable = 0 <= days <= patience
    limit = "at most" if bearable else "and not within"
    print(f"the advisory service last answered {days} days ago, {limit} {patience}")
    return bearable


def audit(lock: Path, argv: list[str]) -> int:
    """Look up the packages of one lock."""
    call = [sys.executable, "-m", *CALL, *LOCKED, str(lock), *argv]
    done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return failed(lock.as_posix(), done.stderr)
    return report(lock.as_posix(), packages)


def report(lock: str, packages: list[dict[str, Any]]) -> int:
    """One line for each vulnerability. A service that knows no package at all did not answer."""
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if packages and len(skipped) == len(packages):
        return failed(lock, "ConnectionError: it knows none of the packages")
    found = [(package, hole) for package in packages for hole in package.get("vulns", ())]
    for package, hole in found:
        fixed = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {hole['id']}, fixed in {fixed}")
    if skipped:
        print(f"the advisory service does not know: {', '.join(skipped)}")
    looked_up = len(packages) - len(skipped)
    print(f"{lock}: {looked_up} packages looked up, {len(found)} vulnerabilities known")
    return 1 if found else 0


def failed(lock: str, said: str) -> int:
    """Tell a silent service from a wrong call."""
    if "ConnectionError" in said or "Timeout" in said:
        last = said.strip().splitlines()[-1]
        print(f"{lock}: nothing was checked, the advisory service did not answer: {last}")
        return UNREACHABLE
    print(said, file=sys.stderr)
    return WRONG_CALL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
