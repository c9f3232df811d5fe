"""How Weights & Biases is reached: records on this disk by default, a server by one setting."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.core.errors import ProjectError, StorageError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.tracking import wandb_record

KEY = "WANDB_API_KEY"
LOCAL = "store"  # when the store itself is in the cloud: records are written to a disk
PATIENCE = 10  # seconds for one answer of the server
UPLOAD = 300  # seconds for the end of a run, with all that is on its way
DEFAULTS = {  # a variable that is set already wins
    "WANDB_CONSOLE": "off",
    "WANDB_DISABLE_CODE": "true",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_ERROR_REPORTING": "false",  # with it goes all telemetry of the client
    "WANDB_SILENT": "true",
}
RETRIES = {"graphql": 1, "file_transfer": 2, "file_stream": 2}


@contextmanager
def client(settings: Settings) -> Iterator[Any]:
    """The wandb package; whatever keeps it from working becomes one StorageError."""
    address = without_password(settings.tracking_url) or str(folder(settings))
    try:
        yield _prepared(settings)
    except ProjectError:
        raise
    except ImportError as error:
        raise StorageError(f"W&B is not installed here ({error.name})") from None
    except Exception as error:  # wandb, its service and requests share no base
        reason = (str(error) or type(error).__name__).splitlines()[0]
        reason = reason if len(reason) < 160 else f"{reason[:160]} ..."
        raise StorageError(without_password(f"W&B at {address} failed: {reason}")) from None


def _prepared(settings: Settings) -> Any:
    """wandb, told before its import to be quiet, and to leave nothing in the user's home."""
    if settings.tracking_url and not os.environ.get(KEY):
        raise StorageError(f"W&B wants a key: set {KEY} in the environment")
    place = folder(settings).resolve()
    own = {f"WANDB_{kind}_DIR": str(place / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    for name, value in {**DEFAULTS, **own}.items():
        os.environ.setdefault(name, value)
    import wandb

    return wandb


@contextmanager
def run(wandb: Any, settings: Settings, run_id: str, config: dict[str, Any]) -> Iterator[Any]:
    """A run of W&B that ends with the block, and as failed if the block fails."""
    place = folder(settings)
    place.mkdir(parents=True, exist_ok=True)
    try:
        started = wandb.init(
            project=settings.name,
            id=run_id,
            name=run_id,
            config=config,
            dir=str(place.parent),  # wandb adds a folder of its name
            mode="online" if settings.tracking_url else "offline",
            resume="allow" if settings.tracking_url else None,  # a half-sent run is completed
            reinit="finish_previous",
            settings=_options(wandb, settings),
        )
    except BaseException:
        wandb.teardown(exit_code=1)  # its service would hold the id of the run until it ends
        raise
    try:
        yield started
    except BaseException:
        started.finish(exit_code=1)
        raise
    started.finish()
    if not settings.tracking_url:
        _await_record(place, run_id)


def _await_record(place: Path, run_id: str) -> None:
    """W&B's service may still be writing the end of a record when it says that it is done."""
    give_up = time.monotonic() + PATIENCE
    while wandb_record.find(place, run_id) is None:
        if time.monotonic() > give_up:
            raise StorageError(f"W&B left the record of run {run_id} in {place} without an end")
        time.sleep(0.02)


def _options(wandb: Any, settings: Settings) -> Any:
    options: dict[str, Any] = {
        "init_timeout": PATIENCE,
        "finish_timeout": UPLOAD,
        "finish_timeout_raises": True,
        "x_disable_meta": True,  # the machine's hardware and the command line
        "x_disable_stats": True,  # its load
    }
    if settings.tracking_url:
        options["base_url"] = settings.tracking_url
        for kind, count in RETRIES.items():
            options[f"x_{kind}_retry_max"] = count
            options[f"x_{kind}_timeout_seconds"] = PATIENCE
    return wandb.Settings(**options)


def folder(settings: Settings) -> Path:
    """Where the records of runs lie that were not sent to a server."""
    storage = Storage(settings.store)
    return Path(storage.root if storage.is_local else LOCAL) / "wandb"


def without_password(text: str) -> str:
    """The text with what stands before @ in an address removed."""
    return re.sub(r"//[^@/\s]*@", "//", text)
