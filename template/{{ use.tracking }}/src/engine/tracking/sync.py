"""The runs at a glance; sends the tracker what it missed, for example while its server was down."""

import tempfile
from pathlib import Path

from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry import history, runs
from engine.registry.registry import Registry
from engine.registry.runs import RunRecord
from engine.tracking import backend


def sync(config: Settings) -> list[str]:
    """Log every run that the tracker lacks, and mirror the registry; returns the ids of those runs.

    Raises StorageError when the tracker does not answer.
    """
    storage, sent = Storage(config.store), []
    for run_id in runs.known(storage):
        try:
            backend.find(config, run_id)
        except RunError:
            with tempfile.TemporaryDirectory() as scratch:
                storage.download(f"runs/{run_id}/bundle", Path(scratch))
                backend.log_run(config, runs.load(storage, run_id), Path(scratch))
            sent.append(run_id)
    backend.mirror(config, Registry(storage).state())
    return sent


def table(storage: Storage, metric: str) -> str:
    """One line for each run, oldest first: its score on test rows, its verdict, its version."""
    state = Registry(storage).state()
    versions = {version.run_id: number for number, version in state.versions.items()}
    parts = {state.challenger: ", challenger", state.champion: ", champion"}
    rows = [("run", "family", metric, "gates", "version")]
    for run_id in runs.known(storage):
        record = runs.load(storage, run_id)
        number = versions.get(run_id)
        version = f"{number}{parts.get(number, '')}" if number else ""
        rows.append((run_id, record.family, _score(record, metric), _verdict(record), version))
    return history.aligned(rows)


def _score(record: RunRecord, metric: str) -> str:
    value = record.metrics.get(f"test.{metric}")
    return "" if value is None else f"{value:.4f}"


def _verdict(record: RunRecord) -> str:
    """What the gates said, with the names of those that failed or could not tell."""
    left = sum(gate.verdict == "not decided" for gate in record.gates)
    named = record.named(record.verdict) if record.verdict != "passed" else ""
    said = f"{record.verdict}: {named}" if named else record.verdict
    return f"{said}; {left} not decided" if left else said
