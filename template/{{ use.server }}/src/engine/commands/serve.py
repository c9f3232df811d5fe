"""The verb `serve`: the champion over HTTP."""

import argparse

from engine.core.settings import load_settings
from engine.serving.http.server import run


def main(argv: list[str]) -> int:
    """Serve the champion over HTTP until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="run.py serve", description=main.__doc__)
    parser.parse_args(argv[1:])
    return run(load_settings(), lambda url: print(f"serving on {url}", flush=True))
