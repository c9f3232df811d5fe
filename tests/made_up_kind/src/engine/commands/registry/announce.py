"""Who hears that another version is the champion."""

from engine.core.settings import Settings
from engine.registry.registry import Registry


def announce(config: Settings, registry: Registry) -> None:
    """Say it where the verb was typed."""
    print(f"{config.name}: version {registry.state().champion} is the champion")
