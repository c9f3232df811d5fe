"""The verb `index`: build an index of the documents, hold it against its gates, record the run."""

import argparse

from engine.commands.registry import promote
from engine.core.errors import GateFailed
from engine.core.settings import load_settings
from engine.evaluation.build import index


def main(argv: list[str]) -> int:
    """Build and evaluate an index; when no gate fails, it becomes the challenger."""
    parser = argparse.ArgumentParser(prog="run.py index", description=main.__doc__)
    parser.add_argument("--promote", action="store_true", help="make it the champion at once")
    options = parser.parse_args(argv[1:])
    config = load_settings()
    record = index(config)
    if not record.passed:
        raise GateFailed(
            f"run {record.run_id} failed: {record.failed}. It is recorded but not registered; its "
            "card says which questions it missed more often, docs/runbook.md what to do"
        )
    if options.promote:
        version = promote(config, reason=f"run {record.run_id} failed no gate")
        print(f"version {version} is the champion; see MODEL_CARD.md")
    else:
        print("make it the champion with: python3 run.py promote")
    return 0
