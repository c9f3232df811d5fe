"""Tracking by plain files: the folder of a run in the store is its record."""

from pathlib import Path

from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry import runs
from engine.registry.history import State
from engine.registry.registry import Registry
from engine.registry.runs import RunRecord, TrackedRun


def log_run(settings: Settings, record: RunRecord, folder: Path) -> str | None:
    """Nothing to do: training has stored the run already. Returns the line that tells where."""
    del folder
    return f"{_folder(settings)}/{record.run_id}/{runs.RECORD}"


def mirror(settings: Settings, state: State) -> None:
    """Nothing to do: the registry is the only list of versions."""


def find(settings: Settings, run_id: str) -> TrackedRun:
    """What the record of a run holds.

    Raises RunError when there is none.
    """
    storage = Storage(settings.store)
    record = runs.load(storage, run_id)
    return TrackedRun(
        params={name: str(value) for name, value in record.inputs.params.items()},
        metrics=record.metrics,
        artifacts=tuple(storage.list(f"runs/{run_id}/bundle")),
    )


def aliases(settings: Settings) -> dict[str, int]:
    """The versions that are champion and challenger, by that name."""
    state = Registry(Storage(settings.store)).state()
    held = {"champion": state.champion, "challenger": state.challenger}
    return {name: version for name, version in held.items() if version is not None}


def where(settings: Settings) -> str:
    """Where to look at the runs."""
    return f"{_folder(settings)}; list them: python3 run.py track"


def _folder(settings: Settings) -> str:
    return f"{settings.store.rstrip('/')}/runs"
