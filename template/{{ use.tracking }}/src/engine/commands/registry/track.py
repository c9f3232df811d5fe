"""The verb `track`: the runs at a glance."""

import argparse

from engine.contract.read import load_contract
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.tracking import backend
from engine.tracking.sync import sync, table


def main(argv: list[str]) -> int:
    """List every run of the store, and bring the tracker in line with the store."""
    parser = argparse.ArgumentParser(prog="run.py track", description=main.__doc__)
    parser.parse_args(argv[1:])
    config, metric = load_settings(), load_contract().gates.metric
    sent = sync(config)
    if sent:
        print(f"sent to the tracker: {', '.join(sent)}\n")
    print(table(Storage(config.store), metric))
    print(f"\nruns: {backend.where(config)}")
    return 0
