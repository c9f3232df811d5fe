"""The verb `export`: the champion as a static app for the browser."""

import argparse
from pathlib import Path

from engine.core.settings import load_settings
from engine.edge.export import export


def main(argv: list[str]) -> int:
    """Write the champion as a folder of static files that any web server can hand out."""
    parser = argparse.ArgumentParser(prog="run.py export", description=main.__doc__)
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="default: site in settings.toml")
    options = parser.parse_args(argv[1:])
    export(load_settings(), options.to)
    return 0
