"""The record of a run: all that is needed to judge it, find it and repeat it."""

import hashlib
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import RunError
from engine.core.storage import Storage

RECORD = "run.json"


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
    derived: list[str] = []
    """The features of `src/app/features.py`."""
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


def hash_of(content: bytes) -> str:
    """The SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()
