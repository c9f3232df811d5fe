"""The verb `batch`: score files in one go."""

import argparse

import msgspec

from engine.batch.results import run
from engine.core.settings import load_settings


def main(argv: list[str]) -> int:
    """Score CSV or Parquet files with the champion; what is finished is never done twice."""
    parser = argparse.ArgumentParser(prog="run.py batch", description=main.__doc__)
    parser.add_argument(
        "input", nargs="*", help="path, URL or pattern; default: input in settings.toml"
    )
    parser.add_argument("--output", metavar="FOLDER", help="default: output in settings.toml")
    parser.add_argument(
        "--explain",
        type=int,
        metavar="N",
        help="name the N features that moved each prediction most (default: see settings.toml)",
    )
    options = parser.parse_args(argv[1:])
    config = load_settings()
    if options.explain is not None:
        config = msgspec.structs.replace(config, explain=options.explain)
    run(config, options.input, options.output)
    return 0
