"""Tracking by Weights & Biases: runs, metrics, and bundles as artifacts with aliases.

Without a server every run is recorded on this disk. The store stays the truth: once `tracking_url`
is set, `python3 run.py track` sends what the server lacks, and the aliases.
"""

import sys
from functools import cache
from pathlib import Path

from engine.core.errors import RunError, StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry.history import State
from engine.registry.registry import Registry
from engine.registry.runs import RunRecord, TrackedRun
from engine.tracking import wandb_record, wandb_server, wandb_store

PROVENANCE = "made_from"  # stands beside the hyperparameters in W&B's configuration of a run


def log_run(settings: Settings, record: RunRecord, folder: Path) -> str | None:
    """Log a run with its hyperparameters, metrics and bundle; returns a line that tells where."""
    config = {**record.inputs.params, PROVENANCE: _provenance(record)}
    try:
        with (
            wandb_store.client(settings) as wandb,
            wandb_store.run(wandb, settings, record.run_id, config) as run,
        ):
            run.summary.update(record.metrics)
            bundle = wandb.Artifact(
                settings.name, wandb_server.KIND, metadata={"run_id": record.run_id}
            )
            bundle.add_dir(str(_lasting(settings, record, folder)), policy="immutable")
            run.log_artifact(bundle, aliases=[record.run_id])
            if settings.tracking_url:
                bundle.wait(timeout=wandb_store.UPLOAD)
    except StorageError as error:
        _warn(f"{error}; the run is safe in the store, send it later: python3 run.py track")
        return None
    return where(settings)


def mirror(settings: Settings, state: State) -> None:
    """Make the aliases on the server what the registry says; without a server there are none."""
    if not settings.tracking_url:
        return
    try:
        with wandb_store.client(settings) as wandb:
            api = wandb_server.connect(wandb, settings)
            for alias, number in (("champion", state.champion), ("challenger", state.challenger)):
                wandb_server.give(api, alias, state.versions[number].run_id if number else None)
    except StorageError as error:
        _warn(f"{error}; the registry holds the truth, bring W&B in line: python3 run.py track")


def find(settings: Settings, run_id: str) -> TrackedRun:
    """What W&B holds of a run: on the server if one is set, otherwise on this disk.

    Raises RunError when it holds none, StorageError when it does not answer.
    """
    with wandb_store.client(settings) as wandb:
        if settings.tracking_url:
            found = wandb_server.read(wandb_server.connect(wandb, settings), run_id)
        else:
            found = wandb_record.find(wandb_store.folder(settings), run_id)
    if found is None:
        raise RunError(f"W&B has no run {run_id!r}; send it with: python3 run.py track")
    config, summary, files = found
    return TrackedRun(
        params={k: str(v) for k, v in config.items() if k != PROVENANCE and k[0] != "_"},
        metrics={k: float(v) for k, v in summary.items() if k[0] != "_"},
        artifacts=tuple(sorted(files)),
    )


def aliases(settings: Settings) -> dict[str, int]:
    """The versions that are champion and challenger, by the registry's numbers.

    Without a server W&B has no aliases, and the answer is the registry's own.
    """
    state = Registry(Storage(settings.store)).state()
    held = {"champion": state.champion, "challenger": state.challenger}
    if settings.tracking_url:
        numbers = {version.run_id: number for number, version in state.versions.items()}
        with wandb_store.client(settings) as wandb:
            api = wandb_server.connect(wandb, settings)
            found = {alias: wandb_server.bundle(api, alias) for alias in held}
            held = {alias: b and numbers.get(b.metadata["run_id"]) for alias, b in found.items()}
    return {alias: number for alias, number in held.items() if number is not None}


def where(settings: Settings) -> str:
    """Where to look at the runs."""
    if settings.tracking_url:
        return f"{wandb_store.without_password(settings.tracking_url)} (project {settings.name})"
    return f"{wandb_store.folder(settings)}; list them: python3 run.py track"


def _lasting(settings: Settings, record: RunRecord, folder: Path) -> Path:
    """The bundle where it stays: a record on this disk only points to its files."""
    storage = Storage(settings.store)
    stored = Path(storage.path(f"runs/{record.run_id}/bundle"))
    return stored if storage.is_local and stored.is_dir() else folder


def _provenance(record: RunRecord) -> dict[str, str]:
    return {
        "commit": record.commit,
        "dirty": str(record.dirty),
        "family": record.family,
        "gates": record.verdict,
        "gates_not_decided": record.named("not decided") or "none",
        "contract": record.inputs.contract,
        "data": record.inputs.data,
        "code": record.inputs.code,
        "lock": record.inputs.lock,
        "seed": str(record.inputs.seed),
    }


@cache  # the same trouble is told once, however many steps run into it
def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)
