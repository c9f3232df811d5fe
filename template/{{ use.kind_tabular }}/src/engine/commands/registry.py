"""The verbs `promote`, `rollback` and `history`: which version answers."""

import argparse

from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.registry import history
from engine.registry.registry import Registry
from engine.training import promote


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
        version = promote.promote(config, options.version, options.reason)
        print(f"version {version} is the champion")
    if verb == "rollback":
        version = promote.rollback(config, options.reason)
        print(f"version {version} is the champion again")
    print(history.table(Registry(Storage(config.store)).state()))
    return 0
