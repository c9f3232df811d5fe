"""The runs at a glance; sends the tracker what it missed, for example while its server was down."""

import argparse
import tempfile
from pathlib import Path

from . import contract, ledger, registry, runs, settings, tracking
from .errors import RunError
from .runs import RunRecord
from .settings import Settings
from .storage import Storage


def main(argv: list[str]) -> int:
    """List every run of the store, and bring the tracker in line with the store."""
    parser = argparse.ArgumentParser(prog="run.py track", description=main.__doc__)
    parser.parse_args(argv[1:])
    config, metric = settings.load(), contract.load().gates.metric
    sent = sync(config)
    if sent:
        print(f"sent to the tracker: {', '.join(sent)}\n")
    print(table(Storage(config.store), metric))
    print(f"\nruns: {tracking.where(config)}")
    return 0


def sync(config: Settings) -> list[str]:
    """Log every run that the tracker lacks, and mirror the registry; returns the ids of those runs.

    Raises StorageError when the tracker does not answer.
    """
    storage, sent = Storage(config.store), []
    for run_id in runs.known(storage):
        try:
            tracking.find(config, run_id)
        except RunError:
            with tempfile.TemporaryDirectory() as scratch:
                storage.download(f"runs/{run_id}/bundle", Path(scratch))
                tracking.log_run(config, runs.load(storage, run_id), Path(scratch))
            sent.append(run_id)
    tracking.mirror(config, registry.Registry(storage).state())
    return sent


def table(storage: Storage, metric: str) -> str:
    """One line for each run, oldest first: its score on test rows, its verdict, its version."""
    state = registry.Registry(storage).state()
    versions = {version.run_id: number for number, version in state.versions.items()}
    parts = {state.challenger: ", challenger", state.champion: ", champion"}
    rows = [("run", "family", metric, "gates", "version")]
    for run_id in runs.known(storage):
        record = runs.load(storage, run_id)
        number = versions.get(run_id)
        version = f"{number}{parts.get(number, '')}" if number else ""
        rows.append((run_id, record.family, _score(record, metric), _verdict(record), version))
    return ledger.aligned(rows)


def _score(record: RunRecord, metric: str) -> str:
    value = record.metrics.get(f"test.{metric}")
    return "" if value is None else f"{value:.4f}"


def _verdict(record: RunRecord) -> str:
    failed = [gate.name for gate in record.gates if not gate.passed]
    return f"failed: {', '.join(failed)}" if failed else "passed"
