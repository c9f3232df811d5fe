"""The record of a run: what a version was built from, how good it is, and which gates it kept."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.core.errors import RunError
from engine.core.storage import Storage

RECORD = "run.json"

Verdict = Literal["passed", "failed", "not decided", "not measured"]
"""`not decided`: the contract sets no limit. Only `failed` holds a version back."""


class Gate(msgspec.Struct, frozen=True):
    """One gate: the value that was measured, the limit, and the verdict."""

    name: str
    value: float | None
    limit: str
    verdict: Verdict
    note: str = ""


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was made from; the same inputs give the same index."""

    corpus: str
    questions: str
    contract: str
    prompt: str
    code: str
    lock: str
    reranker: str = ""
    """What could rerank; whether it does stands in `choice` of the record."""


class Threshold(msgspec.Struct, frozen=True):
    """What the dev questions would see if answers were refused below this coverage."""

    refuse_below: float
    answered: float
    correct: float
    refused_absent: float | None
    refused_outside: float | None


class Slice(msgspec.Struct, frozen=True):
    """How questions of a group fare; `of` is what they are grouped by."""

    of: str
    name: str
    questions: int
    answered: float
    correct: float


class Agreement(msgspec.Struct, frozen=True):
    """How a judge agrees with people on one question; 95% intervals."""

    of: str
    labels: int
    raw: float
    raw_low: float
    raw_high: float
    kappa: float | None
    """Cohen's; None where both said the same of every answer, so that chance explains it."""
    kappa_low: float | None
    kappa_high: float | None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What a language model said of the answers to test questions; no gate looks at it."""

    model: str
    prompt_version: str
    answers: int
    """Answers that there were to judge; refusals are none."""
    judged: int
    grounded: float | None
    correct: float | None
    unjudged: dict[str, int]
    """Why the others have no verdict, by how often."""
    prompt_tokens: int
    completion_tokens: int
    cost: dict[str, Any] | None
    """None where no price is known."""
    family: str
    """That of the model that answered, where the judge is of it too; else empty."""
    labels: int
    """Answers that a person has judged too."""
    unlabelled: int
    """Answers that wait for a person in the file of labels."""
    agreement: list[Agreement]


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One build of the index."""

    run_id: str
    created: str
    family: str
    """`bm25`, `bm25+lsa` or `bm25+<the encoder's model>`."""
    choice: str
    """Why it searches so."""
    answers_by: str
    """`extractive`, or the language model that answered when it was measured."""
    prompt_version: str
    inputs: Inputs
    counts: dict[str, int]
    """Documents, passages, and questions by split and by whether they have an answer."""
    metrics: dict[str, float]
    """By `<way of searching>.<split>.<measure>`, and by `<split>.<measure>` for answers."""
    thresholds: list[Threshold]
    slices: list[Slice]
    gates: list[Gate]
    unread: dict[str, str]
    warnings: list[str]
    commit: str
    dirty: bool
    python: str
    versions: dict[str, str]
    seconds: dict[str, float]
    files: dict[str, str]
    judged: Judged | None = None

    @property
    def passed(self) -> bool:
        """Whether no gate failed."""
        return not self.failed

    @property
    def failed(self) -> str:
        """The gates that failed, for a message; empty when none did."""
        return ", ".join(gate.name for gate in self.gates if gate.verdict == "failed")


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
