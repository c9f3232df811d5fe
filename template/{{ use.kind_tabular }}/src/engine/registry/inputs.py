"""What a run is made from: data, contract, code, lock, hyperparameters, seed, and where it ran."""

import platform
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from engine.contract import app
from engine.contract.schema import Contract
from engine.core.errors import SettingsError
from engine.data.read import file_hash, table_hash
from engine.registry.runs import Inputs, hash_of

SRC = Path(__file__).parents[2]
# Whole folders, so that nothing that decides what a model becomes can be forgotten.
CODE = ("app", "engine/contract", "engine/data", "engine/features", "engine/training")
JOBS = ("serve", "train")


def current_inputs(
    contract: Contract, overrides: list[str] | None = None, seed: int | None = None
) -> Inputs:
    """What a run started now would be made from."""
    return Inputs(
        data=data_hash(contract),
        contract=contract.fingerprint,
        code=code_hash(),
        lock=lock_hash(),
        params=params(contract.dataset.task, overrides or []),
        seed=contract.split.seed if seed is None else seed,
    )


def data_hash(contract: Contract) -> str:
    """A hash of the rows, and of the feature tables if there are any."""
    own = table_hash(app.data().load(contract))
    tables = [file_hash(table.source) for table in contract.tables.values()]
    return hash_of("\n".join([own, *tables]).encode()) if tables else own


def params(task: str, overrides: list[str], path: str = "params.toml") -> dict[str, Any]:
    """Hyperparameters of the task from the file, with `NAME=VALUE` overrides on top.

    Raises SettingsError for a broken file or an override that has no value.
    """
    try:
        values = dict(tomllib.loads(Path(path).read_text(encoding="utf-8")).get(task, {}))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name or not text:
            raise SettingsError(f"--set {override!r} must have the form NAME=VALUE")
        try:
            values[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[name] = text
    return values


def code_hash(src: Path = SRC) -> str:
    """A hash of every file that decides what a model becomes."""
    files = [
        path
        for folder in CODE
        for path in sorted((src / folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    said = [f"{path.relative_to(src).as_posix()} {hash_of(path.read_bytes())}" for path in files]
    return hash_of("\n".join(said).encode())


def lock_hash(path: str = "requirements.lock") -> str:
    """A hash of the lock the environment was built from."""
    return hash_of(Path(path).read_bytes()) if Path(path).exists() else "no lock"


def libraries(path: str = "pyproject.toml") -> dict[str, str]:
    """The versions of what training asks for, by the dependency groups of the project.

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
