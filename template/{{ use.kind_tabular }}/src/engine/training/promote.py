"""Which version answers, and everybody told: the registry, the tracker and the model card."""

import sys
from contextlib import suppress

from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.registry import runs
from engine.registry.registry import Registry
from engine.tracking import backend


def promote(config: Settings, version: int | None = None, reason: str = "") -> int:
    """Make a version, by default the challenger, the champion; returns its number."""
    registry = Registry(Storage(config.store))
    version = registry.promote(version, reason)
    _announce(config, registry)
    return version


def rollback(config: Settings, reason: str = "") -> int:
    """Make the champion before the present one answer again; returns its number."""
    registry = Registry(Storage(config.store))
    version = registry.rollback(reason)
    _announce(config, registry)
    return version


def _announce(config: Settings, registry: Registry) -> None:
    """Tell the tracker and the model card; a server's image has the packages of neither."""
    backend.mirror(config, registry.state())
    with suppress(ImportError):
        from engine.training.card import write_card

        version, bundle = registry.load()
        try:
            write_card(bundle, runs.load(registry.storage, bundle.manifest.run_id), version)
        except RunError as error:
            print(f"MODEL_CARD.md was left as it was: {error}", file=sys.stderr)
