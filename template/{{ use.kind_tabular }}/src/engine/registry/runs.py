"""The record of a run: all that is needed to judge it, find it and repeat it."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.core.errors import RunError
from engine.core.storage import Storage

RECORD = "run.json"


Verdict = Literal["passed", "failed", "cannot tell", "not decided", "not measured"]
"""`cannot tell`: the rows are too few to say on which side of the limit the value lies. `not
decided`: the contract sets no limit. Only `failed` holds a model back."""


class Gate(msgspec.Struct, frozen=True):
    """One gate: the value that was measured, the limit, and the verdict."""

    name: str
    value: float | None
    limit: str
    verdict: Verdict
    note: str = ""
    bounds: tuple[float, float] | None = None
    """Between which the value lies with 95 %, where that is known."""
    line: str = ""
    """What decides it, as an example: a line for `[gates]` in contract.toml."""

    @property
    def failed(self) -> bool:
        """Whether it holds the model back."""
        return self.verdict == "failed"


class Group(msgspec.Struct, frozen=True):
    """How the model fares in a group of test rows; without a value the group is too small."""

    column: str
    name: str
    measure: str
    rows: int
    """Those that the value is taken over: for a true positive rate the positives."""
    value: float | None
    mae: float | None = None
    """The mean absolute error, for slices of a regression."""


class Gap(msgspec.Struct, frozen=True):
    """By how much a group fares worse than another, and between which bounds with 95 %."""

    worse: Group
    better: Group
    value: float
    low: float
    high: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Whether probabilities were mapped to what really came true, and how that was decided."""

    method: str
    """`none`, `sigmoid`, `isotonic` or `temperature`."""
    rows: int
    """How many validation rows decided."""
    brier: dict[str, float]
    """The Brier score that each candidate has on validation rows that did not teach it."""
    reason: str


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Test rows of like probability: what was said of them, and what came true."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float
    """The 95 % interval of `observed` (Wilson 1927)."""


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what is said with a probability of 0.3 comes true in three of ten rows."""

    of: str
    """What the probabilities are of: the positive class, or the class that is the most probable."""
    error: float
    """Expected calibration error: the mean distance of `predicted` and `observed`, by rows."""
    by_chance: float
    """What probabilities that are true stay below in 19 of 20 samples of as many rows."""
    bins: list[Bin]


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a model of two classes answers on the test rows, and what it would answer at 0.5."""

    threshold: float | None
    """From which probability on the positive class is answered; None: the most probable class."""
    reason: str
    """How the threshold came about."""
    counts: dict[str, int]
    at_half: dict[str, int]
    """Both by `true_positive`, `false_positive`, `false_negative` and `true_negative`."""


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
    fitted: dict[str, Any] = {}
    """What the model was fitted with where that is not its library's default, and its rounds."""
    taught_rows: int = 0
    """The training rows that the model learnt from; of a large table not all of them."""
    reference_rows: int = 0
    """The training rows that the linear reference learnt from; 0 where the model is linear."""
    derived: list[str] = []
    """The features of `src/app/features.py`."""
    commit: str
    dirty: bool
    python: str
    versions: dict[str, str]
    metrics: dict[str, float]
    importance: dict[str, float]
    slices: list[Gap]
    """Each slice of the test rows against all other rows."""
    groups: list[Group]
    """The groups of the sensitive columns."""
    calibration: Calibration | None = None
    reliability: Reliability | None = None
    """None for a regression, as `calibration`."""
    answers: Answers | None = None
    """None unless there are two classes."""
    gates: list[Gate]
    warnings: list[str]
    seconds: dict[str, float]
    files: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return not self.failed

    @property
    def failed(self) -> str:
        """The gates that failed, for a message; empty when none did."""
        return self.named("failed")

    @property
    def verdict(self) -> Verdict:
        """All gates in a word."""
        if self.failed:
            return "failed"
        return "cannot tell" if self.named("cannot tell") else "passed"

    def named(self, verdict: Verdict) -> str:
        """The gates of one verdict, for a message."""
        return ", ".join(gate.name for gate in self.gates if gate.verdict == verdict)


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
        latest = ", ".join(known(storage)[-5:])
        others = f"the latest are: {latest}" if latest else "make one with: python3 run.py train"
        raise RunError(f"there is no run {run_id!r} in {storage.url}/runs; {others}")
    try:
        return msgspec.json.decode(storage.read(f"runs/{run_id}/{RECORD}"), type=RunRecord)
    except msgspec.DecodeError as error:
        raise RunError(f"the record of run {run_id} is broken: {error}") from None


def known(storage: Storage) -> list[str]:
    """Ids of the runs in the store, oldest first."""
    return [name for name in storage.list("runs") if storage.exists(f"runs/{name}/{RECORD}")]
