"""Where something was made from: files, lock, libraries, interpreter, commit."""

import hashlib
import platform
import re
import subprocess
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

SRC = Path(__file__).parents[2]
JOBS = ("serve", "train")


def hash_of(content: bytes) -> str:
    """The SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def files_hash(folders: Iterable[str], src: Path = SRC, but: str = "__pycache__") -> str:
    """A hash of every file in some folders, and of their names; `but` is the name of one inside."""
    files = [
        path
        for folder in folders
        for path in sorted((src / folder).rglob("*"))
        if path.is_file() and not {"__pycache__", but} & {*path.relative_to(src).parts}
    ]
    said = [f"{path.relative_to(src).as_posix()} {hash_of(path.read_bytes())}" for path in files]
    return hash_of("\n".join(said).encode())


def lock_hash(path: str = "requirements.lock") -> str:
    """A hash of the lock the environment was built from."""
    return hash_of(Path(path).read_bytes()) if Path(path).exists() else "no lock"


def libraries(path: str = "pyproject.toml") -> dict[str, str]:
    """The versions of what making it asks for, by the dependency groups of the project.

    Empty outside the project, as in an image.
    """
    if not Path(path).exists():
        return {}
    groups = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("dependency-groups", {})
    asked = [str(need) for job in JOBS for need in groups.get(job, [])]
    names = {re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0] for need in asked}
    found = {name: _version(name) for name in sorted(names)}
    return {name: version for name, version in found.items() if version}


def _version(name: str) -> str:
    """The installed version; empty for what another platform needs."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def python_version() -> str:
    """The interpreter and the machine it runs on."""
    return f"{platform.python_version()} {platform.system()} {platform.machine()}"


def git_state() -> tuple[str, bool]:
    """The commit, and whether files differ from it; empty and True outside a git checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return "", True


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], capture_output=True, text=True, check=True)
    return done.stdout.strip()
