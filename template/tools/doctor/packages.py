"""Where packages come from: what installs them, and whether it reaches an index."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from . import CANNOT_TELL, MISSING, OK, ROOT, Finding, program, told

SECONDS = 60
INSTALLING = "installing packages"
FIRST = "the first run of a verb, which installs its packages"
TOLD = re.compile(r"(PIP|UV)_\w*(INDEX|LINKS|PROXY|CERT|OFFLINE|CONFIG)\w*|(HTTPS?|ALL|NO)_PROXY")
WAYS_OUT = """\
behind a proxy: HTTPS_PROXY=<its address> in the environment; pip and uv both read it
a mirror: {index}=<its address>
no network at all: where there is one, with this Python and system, {download}; \
here {links}=<that folder> and {none}=1"""
DOWNLOAD = "`pip download --no-deps --require-hashes -r requirements.lock -d wheelhouse`"


def look() -> Iterator[Finding]:
    """Say whether packages can be installed, by fetching one as run.py would."""
    uv = program("uv") if os.environ.get("RUN_INSTALLER") != "pip" else None
    pip = [sys.executable, "-m", "pip"] if told(sys.executable, "-c", "import pip") == "" else None
    if uv:
        yield Finding(OK, "uv", uv, INSTALLING, optional=True)
    elif pip and program("uv"):
        yield Finding(OK, "pip", "in place of uv, because of RUN_INSTALLER=pip", INSTALLING)
    elif pip:
        way_out = "pipx install uv, or a package of your system"
        said = "not on the PATH; pip takes its place, which is slower"
        yield Finding(MISSING, "uv", said, INSTALLING, way_out, True)
    elif told(sys.executable, "-c", "import ensurepip") != "":
        way_out = "install pip (Debian: apt-get install python3-pip python3-venv), or uv"
        said = "neither uv nor pip, and this Python cannot make one (ensurepip)"
        yield Finding(MISSING, "installer", said, FIRST, way_out)
        return
    yield _index([uv, "pip"] if uv else pip or [])


def _index(installer: list[str]) -> Finding:
    """Whether one small package of the lock can be fetched, the way everything is fetched."""
    thing = "package index"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    row = _small(lock)
    if not installer or not row:
        said = "not asked: there is no pip yet, or no small package in the lock"
        return Finding(CANNOT_TELL, thing, said, FIRST)
    name = row.split(" ")[0].replace("==", " ")
    tool = "uv" if installer[-1] == "pip" and len(installer) == 2 else "pip"
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text(row, encoding="utf-8")
        cache = "--no-cache" if tool == "uv" else "--no-cache-dir"
        python = ["--python", sys.executable] if tool == "uv" else ["--retries", "1"]
        call = [*installer, "install", *python, cache, "--target", folder + "/found"]
        call += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", str(wanted)]
        try:
            done = subprocess.run(call, capture_output=True, text=True, timeout=SECONDS)
            failed, said = bool(done.returncode), (done.stdout + done.stderr).strip()
        except subprocess.TimeoutExpired:
            failed, said = True, f"no answer within {SECONDS} s"
    if not failed:
        return Finding(OK, thing, f"{tool} fetched {name}, with the hash of the lock", FIRST)
    optional = _is_complete(lock)
    why = next((line for line in said.splitlines() if re.match("(?i)error", line)), said[-200:])
    more = f"; in the environment: {', '.join(_told()) or 'nothing that names an index or a proxy'}"
    later = "; every verb is installed already" if optional else ""
    said = f"{tool} could not fetch {name}: {_without_password(why)}{more}{later}"
    return Finding(MISSING, thing, said, FIRST, _ways_out(tool), optional)


def _small(lock: str) -> str:
    """The row of a package of Python code alone, which is a wheel and a source for every system."""
    rows: list[str] = re.findall(r"(?m)^\S+==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", lock)
    return next((row for row in rows if row.count("--hash") == 2), "")


def _told() -> list[str]:
    """The variables that tell pip and uv where to look; their values may hold a password."""
    return sorted(
        name for name, text in os.environ.items() if text and TOLD.fullmatch(name.upper())
    )


def _is_complete(lock: str) -> bool:
    """Whether .venv holds what every verb needs, out of the lock as it is."""
    try:
        stamp = json.loads((ROOT / ".venv/installed.json").read_text(encoding="utf-8"))
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    is_same = stamp.get("lock") == hashlib.sha256(lock.encode()).hexdigest()
    return is_same and {*project["dependency-groups"]} <= {*stamp.get("jobs", ())}


def _without_password(text: str) -> str:
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _ways_out(tool: str) -> str:
    names = {
        "uv": {"index": "UV_DEFAULT_INDEX", "links": "UV_FIND_LINKS", "none": "UV_NO_INDEX"},
        "pip": {"index": "PIP_INDEX_URL", "links": "PIP_FIND_LINKS", "none": "PIP_NO_INDEX"},
    }
    known = WAYS_OUT.format(download=DOWNLOAD, **names[tool])
    return known + (
        "\nonly pip is set up for your index: RUN_INSTALLER=pip" if tool == "uv" else ""
    )
