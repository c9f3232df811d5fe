"""The verbs `promote`, `rollback` and `history`: which version answers."""

import argparse
import sys
from contextlib import suppress

from engine.core.errors import RunError
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.registry import history, runs
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
    _write_card(registry)
    return version


def rollback(config: Settings, reason: str = "") -> int:
    """Make the champion before the present one answer again; returns its number."""
    registry = Registry(Storage(config.store))
    version = registry.rollback(reason)
    _write_card(registry)
    return version


def _write_card(registry: Registry) -> None:
    """The index card of whoever answers now; a server's image has no package that writes one."""
    with suppress(ImportError):
        from engine.evaluation.card import write_card

        version, bundle = registry.load()
        try:
            write_card(bundle, runs.load(registry.storage, bundle.manifest.run_id), version)
        except RunError as error:
            print(f"MODEL_CARD.md was left as it was: {error}", file=sys.stderr)
