"""Tracking by MLflow: runs, metrics, artifacts, registered versions and their aliases.

The store stays the truth and MLflow shows it. When MLflow cannot be reached nothing is lost, and
`python3 run.py track` catches up later.
"""

import sys
from functools import cache
from pathlib import Path

from engine.core.errors import RunError, StorageError
from engine.core.settings import Settings
from engine.registry.history import State
from engine.registry.runs import RunRecord, TrackedRun
from engine.tracking import mlflow_store


def log_run(settings: Settings, record: RunRecord, folder: Path) -> str | None:
    """Log a run with its hyperparameters, metrics and bundle; returns a line that tells where."""
    try:
        with mlflow_store.client(settings) as client:
            from mlflow.entities import Metric, Param

            experiment = mlflow_store.experiment(client, settings)
            run = client.create_run(experiment, run_name=record.run_id, tags=_tags(record)).info
            client.log_batch(
                run.run_id,
                metrics=[Metric(k, v, run.start_time, 0) for k, v in record.metrics.items()],
                params=[Param(k, str(v)) for k, v in record.inputs.params.items()],
            )
            client.log_artifacts(run.run_id, str(folder), "bundle")
            client.set_tag(run.run_id, "run_id", record.run_id)  # last, so a part is never found
            client.set_terminated(run.run_id)
    except StorageError as error:
        _warn(f"{error}; the run is safe in the store, send it later: python3 run.py track")
        return None
    return where(settings)


def mirror(settings: Settings, state: State) -> None:
    """Make MLflow's registered versions and aliases what the registry says they are."""
    try:
        with mlflow_store.client(settings) as client:
            held = mlflow_store.versions(client, settings)
            for number, version in sorted(state.versions.items()):
                if version.run_id in held:
                    continue
                if run := mlflow_store.run(client, settings, version.run_id):
                    held[version.run_id] = client.create_model_version(
                        settings.name,
                        f"{run.info.artifact_uri}/bundle",
                        run.info.run_id,
                        tags={"run_id": version.run_id, "version": str(number)},
                    )
            for alias, held_by in (("champion", state.champion), ("challenger", state.challenger)):
                wanted = held.get(state.versions[held_by].run_id) if held_by else None
                if wanted:
                    client.set_registered_model_alias(settings.name, alias, wanted.version)
                else:  # rather none than a wrong one
                    client.delete_registered_model_alias(settings.name, alias)
    except StorageError as error:
        _warn(f"{error}; the registry holds the truth, bring MLflow in line: python3 run.py track")


def find(settings: Settings, run_id: str) -> TrackedRun:
    """What MLflow holds of a run.

    Raises RunError when it holds none, StorageError when it does not answer.
    """
    with mlflow_store.client(settings) as client:
        run = mlflow_store.run(client, settings, run_id)
        if run is None:
            raise RunError(f"MLflow has no run {run_id!r}; send it with: python3 run.py track")
        files = client.list_artifacts(run.info.run_id, "bundle")
    names = tuple(sorted(file.path.rpartition("/")[2] for file in files))
    return TrackedRun(dict(run.data.params), dict(run.data.metrics), names)


def aliases(settings: Settings) -> dict[str, int]:
    """The versions that are champion and challenger in MLflow, by the registry's numbers."""
    with mlflow_store.client(settings) as client:
        held = mlflow_store.versions(client, settings).values()
        numbers = {str(version.version): int(version.tags["version"]) for version in held}
        found = client.get_registered_model(settings.name).aliases
    return {name: numbers[str(version)] for name, version in found.items()}


def where(settings: Settings) -> str:
    """Where to look at the runs."""
    if settings.tracking_url:
        url = mlflow_store.without_password(settings.tracking_url)
        return f"{url} (experiment and model {settings.name})"
    return f"{mlflow_store.folder(settings)}; as a web page: python3 run.py ui"


def _tags(record: RunRecord) -> dict[str, str]:
    return {
        "mlflow.source.git.commit": record.commit,
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
