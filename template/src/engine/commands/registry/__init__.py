"""The verbs `promote`, `rollback` and `history`: which version answers."""

import argparse

from engine.commands.registry.announce import announce
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.registry import history
from engine.registry.registry import Registry


def main(argv: list[str]) -> int:
    """Make a version the champion, go back to the one before, or show who did what and when."""
    verb = argv[0]
    parser = argparse.ArgumentParser(prog=f"run.py {verb}", description=main.__doc__)
    if verb == "promote":
        parser.add_argument("--version", type=int, help="default: the challenger")
    if verb in ("promote", "rollback"):
        parser.add_argument("--reason", default="", help="kept in the history")
    options = parser.parse_args(argv[1:])
    config = load_settings()
    if verb == "promote":
        version = promote(config, options.version, options.reason)
        print(f"version {version} is the champion")
    if verb == "rollback":
        version = rollback(config, options.reason)
        print(f"version {version} is the champion again")
    print(history.table(Registry(Storage(config.store)).state()))
    return 0


def promote(config: Settings, version: int | None = None, reason: str = "") -> int:
    """Make a version, by default the challenger, the champion; returns its number."""
    registry = Registry(Storage(config.store))
    version = registry.promote(version, reason)
    announce(config, registry)
    return version


def rollback(config: Settings, reason: str = "") -> int:
    """Make the champion before the present one answer again; returns its number."""
    registry = Registry(Storage(config.store))
    version = registry.rollback(reason)
    announce(config, registry)
    return version
