"""What a server of W&B holds: runs, and their bundles as versions of one artifact with aliases."""

import os
from typing import Any

from engine.core.settings import Settings
from engine.tracking.wandb_record import Fields
from engine.tracking.wandb_store import KEY, PATIENCE

KIND = "model"  # of the artifact


def connect(wandb: Any, settings: Settings) -> Any:
    """What the server is asked through."""
    address = {"base_url": settings.tracking_url, "project": settings.name}
    return wandb.Api(overrides=address, timeout=PATIENCE, api_key=os.environ[KEY])


def bundle(api: Any, alias: str) -> Any:
    """The bundle that has this alias, or None. The id of its run is an alias of each."""
    project = api.settings["project"]
    name = f"{project}/{project}:{alias}"
    return api.artifact(name, type=KIND) if api.artifact_exists(name, type=KIND) else None


def read(api: Any, run_id: str) -> tuple[Fields, Fields, list[str]] | None:
    """The configuration, the summary and the bundle's files of a run; None if its bundle lacks."""
    found = bundle(api, run_id)
    if found is None:
        return None
    run = api.run(f"{api.settings['project']}/{run_id}")
    return run.config, run.summary_metrics, list(found.manifest.entries)


def give(api: Any, alias: str, run_id: str | None) -> None:
    """Leave the alias with the bundle of this run and no other; with none if there is no run."""
    wanted = bundle(api, run_id) if run_id else None
    if wanted is not None and alias in wanted.aliases:
        return
    held = bundle(api, alias)
    if held is not None:  # rather none than a wrong one
        held.aliases.remove(alias)
        held.save()
    if wanted is not None:
        wanted.aliases.append(alias)
        wanted.save()
