"""The record of a run: all that is needed to judge it, find it and repeat it."""

import hashlib
import platform
import subprocess
import tomllib
import uuid
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from . import source as sources
from .contract import Contract
from .errors import RunError, SettingsError
from .storage import Storage

RECORD = "run.json"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "skl2onnx", "onnx", "onnxruntime")
TRAINING_CODE = (
    *("contract", "data", "feature_store", "feature_tables", "features", "model", "pipeline"),
    *("convert", "train"),
)


class Gate(msgspec.Struct, frozen=True):
    """One gate: the value that was measured, the limit, and whether it was kept."""

    name: str
    value: float | None
    limit: str
    passed: bool
    note: str = ""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was made from; the same inputs give the same artifact."""

    data: str
    contract: str
    code: str
    lock: str
    params: dict[str, Any]
    seed: int


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One training run."""

    run_id: str
    created: str
    family: str
    inputs: Inputs
    source: str
    rows: dict[str, int]
    commit: str
    dirty: bool
    python: str
    versions: dict[str, str]
    metrics: dict[str, float]
    importance: dict[str, float]
    slices: list[dict[str, Any]]
    gates: list[Gate]
    warnings: list[str]
    seconds: dict[str, float]
    files: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether every gate was kept."""
        return not self.failed

    @property
    def failed(self) -> str:
        """The gates that were not kept, for a message; empty when all were."""
        return ", ".join(gate.name for gate in self.gates if not gate.passed)


class TrackedRun(msgspec.Struct, frozen=True):
    """What the tracking record holds of a run; hyperparameters as text, as trackers keep them."""

    params: dict[str, str]
    metrics: dict[str, float]
    artifacts: tuple[str, ...]


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
    own = sources.file_hash(contract.dataset.source)
    tables = [sources.file_hash(table.source) for table in contract.tables.values()]
    return hash_of("\n".join([own, *tables]).encode()) if tables else own


def new_id() -> str:
    """A run id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"


def save(storage: Storage, record: RunRecord, folder: Path) -> None:
    """Store a finished run: its bundle first, its record last, so a record is never without one."""
    storage.upload(folder, f"runs/{record.run_id}/bundle")
    content = msgspec.json.format(msgspec.json.encode(record), indent=2)
    storage.write(f"runs/{record.run_id}/{RECORD}", content)


def load(storage: Storage, run_id: str) -> RunRecord:
    """Read the record of a run.

    Raises RunError with the known runs when there is none of this id.
    """
    if not storage.exists(f"runs/{run_id}/{RECORD}"):
        known = ", ".join(storage.list("runs")[-5:]) or "none"
        raise RunError(f"there is no run {run_id!r} in {storage.url}/runs; the latest are: {known}")
    try:
        return msgspec.json.decode(storage.read(f"runs/{run_id}/{RECORD}"), type=RunRecord)
    except msgspec.DecodeError as error:
        raise RunError(f"the record of run {run_id} is broken: {error}") from None


def known(storage: Storage) -> list[str]:
    """Ids of the runs in the store, oldest first."""
    return [name for name in storage.list("runs") if storage.exists(f"runs/{name}/{RECORD}")]


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


def code_hash() -> str:
    """A hash of the modules that decide what a model becomes."""
    here = Path(__file__).parent
    modules = [here / f"{name}.py" for name in TRAINING_CODE]
    modules += sorted((here / "tables").glob("*.py"))
    return hash_of(b"\0".join(module.read_bytes() for module in modules))


def lock_hash(path: str = "requirements.lock") -> str:
    """A hash of the lock the environment was built from."""
    return hash_of(Path(path).read_bytes()) if Path(path).exists() else "no lock"


def hash_of(content: bytes) -> str:
    """The SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def environment() -> dict[str, str]:
    """Versions of the libraries that decide what a model becomes."""
    return {name: metadata.version(name) for name in LIBRARIES}


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
