"""The verb `train`: fit a model, hold it against its gates, record the run."""

import argparse

from engine.commands.registry import promote
from engine.core.errors import GateFailed
from engine.core.settings import load_settings
from engine.training.train import train


def main(argv: list[str]) -> int:
    """Train and evaluate a model; when no gate fails, it becomes the challenger."""
    parser = argparse.ArgumentParser(prog="run.py train", description=main.__doc__)
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="overrides"
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--promote", action="store_true", help="make it the champion at once")
    options = parser.parse_args(argv[1:])
    config = load_settings()
    record = train(config, options.overrides, options.seed)
    if not record.passed:
        raise GateFailed(
            f"run {record.run_id} failed: {record.failed}. It is recorded but not registered; "
            "look at the data (python3 run.py data report), "
            "change params.toml or the contract's gates"
        )
    if options.promote:
        version = promote(config, reason=f"run {record.run_id} failed no gate")
        print(f"version {version} is the champion; see MODEL_CARD.md")
    else:
        print("make it the champion with: python3 run.py promote")
    return 0
