"""How MLflow is reached: a database file of this machine by default, a server by one setting."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.errors import ProjectError, StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage

LOCAL = "store/mlflow"  # when the store itself is in the cloud: SQLite needs a disk
DEFAULTS = {  # a variable that is set already wins
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@contextmanager
def client(settings: Settings) -> Iterator[Any]:
    """An MLflow client; whatever keeps it from working becomes one StorageError."""
    try:
        prepare()
        from mlflow import MlflowClient
    except ImportError as error:
        raise StorageError(f"MLflow is not installed here ({error.name})") from None
    address = backend(settings)
    try:
        if not settings.tracking_url:
            folder(settings).mkdir(parents=True, exist_ok=True)
        yield MlflowClient(tracking_uri=address, registry_uri=address)
    except ProjectError:
        raise
    except Exception as error:  # MLflow, SQLAlchemy, requests and cloud clients share no base
        reason = (str(error) or type(error).__name__).splitlines()[0]
        reason = reason if len(reason) < 160 else f"{reason[:160]} ..."
        raise StorageError(without_password(f"MLflow at {address} failed: {reason}")) from None


def prepare() -> None:
    """No telemetry, no long retries, no chatter; must come before MLflow is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def backend(settings: Settings) -> str:
    """The address MLflow is told: the server's, or that of the database file."""
    return settings.tracking_url or f"sqlite:///{(folder(settings) / 'mlflow.db').as_posix()}"


def folder(settings: Settings) -> Path:
    """Where the database file and the artifacts of a local MLflow lie."""
    storage = Storage(settings.store)
    return Path(storage.root) / "mlflow" if storage.is_local else Path(LOCAL).resolve()


def experiment(client: Any, settings: Settings) -> str:
    """The id of this project's experiment, which is made if need be."""
    found = client.get_experiment_by_name(settings.name)
    if found:
        return str(found.experiment_id)
    place = None if settings.tracking_url else (folder(settings) / "artifacts").as_uri()
    return str(client.create_experiment(settings.name, artifact_location=place))


def run(client: Any, settings: Settings, run_id: str) -> Any:
    """MLflow's record of a run, or None."""
    found = client.search_runs([experiment(client, settings)], f"tags.run_id = '{run_id}'")
    return found[0] if found else None


def versions(client: Any, settings: Settings) -> dict[str, Any]:
    """The registered versions by run id; registers the model when it is not there yet."""
    if not client.search_registered_models(f"name = '{settings.name}'"):
        client.create_registered_model(settings.name)
    found = client.search_model_versions(f"name = '{settings.name}'")
    return {version.tags["run_id"]: version for version in found if "run_id" in version.tags}


def without_password(text: str) -> str:
    """The text with what stands before @ in an address removed."""
    return re.sub(r"//[^@/\s]*@", "//", text)
