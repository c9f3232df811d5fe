"""PyTorch is installed as the small build for the CPU where one is found, else with CUDA.

    python3 run.py torch-build FILE    accept this build of the locked version, wherever it is found

`[tool.run] install` in pyproject.toml names this file: run.py asks `before` and `after`, and
`python3 run.py lock` asks `apart`. The lock has the row of the public index, beneath it in a
comment the builds for the CPU that are accepted, and as the job `cuda` what only NVIDIA cards need.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

LOCK = Path("requirements.lock")
BUILD = re.compile(r"(?m)^# cpu: (torch==.+)$")
LOCKED = re.compile(r"(?m)^torch==([^\s;]+).*\n(?:    .+\n)+")
OTHER = "(?i)mismatch|not match the hashes"  # what uv and pip say of a file with another hash


def before(lock: str, wanted: list[str], attempt: Callable[[list[str]], str]) -> list[str]:
    """The rows left to install: without PyTorch's, if the build for the CPU is within reach.

    The public index has none, so whoever has set up a place for one wants it.
    """
    build = BUILD.search(lock)
    others = [row for row in wanted if not row.startswith("torch==")]
    if build is None or others == wanted:
        return wanted
    said = attempt([build[1]])
    if re.search(OTHER, said):
        raise SystemExit(
            f"{said}\nrequirements.lock does not know this build of PyTorch. If you trust the file:"
            " python3 run.py torch-build FILE"
        )
    return wanted if said else others


def after(site_packages: Path) -> list[str]:
    """The job `cuda` if the PyTorch for NVIDIA cards came: only that one requires its packages."""
    about = site_packages.glob("torch-*.dist-info/METADATA")
    cards = any("Requires-Dist: nvidia-" in file.read_text(encoding="utf-8") for file in about)
    return ["cuda"] if cards else []


def apart(uv_lock: str) -> dict[str, list[str]]:
    """What only the builds of PyTorch for NVIDIA cards require is for the job `cuda`.

    The index has them for Linux alone, so these are the requirements that hold on Linux alone.
    """
    cards = [
        need["name"]
        for package in tomllib.loads(uv_lock)["package"]
        for need in package.get("dependencies", ())
        if package["name"] == "torch" and "sys_platform == 'linux'" in need.get("marker", "")
    ]
    return {"cuda": cards} if cards else {}


def accepted(lock: str, wheel: Path) -> str:
    """The lock, with the hash of this build in the comment beneath PyTorch's row.

    Raises ValueError for a file that is no build of the locked version for the CPU.
    """
    row, build = LOCKED.search(lock), BUILD.search(lock)
    name, version, *_ = [*wheel.name.split("-"), ""]
    if row is None or not wheel.is_file() or (name, version) != ("torch", f"{row[1]}+cpu"):
        locked = f"torch-{row[1]}+cpu-..." if row else "nothing: the lock has no PyTorch"
        raise ValueError(f"{wheel} is no build for the CPU of what is locked, which is {locked}")
    hashed = f" --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    if build is None:
        return lock[: row.end()] + f"# cpu: torch=={version}{hashed}\n" + lock[row.end() :]
    known = hashed in build[1]
    return lock if known else lock[: build.end()] + hashed + lock[build.end() :]


def main(argv: list[str]) -> int:
    """Accept a build of the locked PyTorch for the CPU."""
    parser = argparse.ArgumentParser(prog="run.py torch-build", description=main.__doc__)
    parser.add_argument("file", type=Path, help="the wheel, such as torch-2.13.0+cpu-cp311-...whl")
    asked = parser.parse_args(argv)
    try:
        text = accepted(LOCK.read_text(encoding="utf-8"), asked.file)
    except ValueError as problem:
        print(f"torch-build: {problem}", file=sys.stderr)
        return 1
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    print(f"{LOCK} accepts {asked.file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
