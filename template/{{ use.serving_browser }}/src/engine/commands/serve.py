"""The verb `serve`: the exported app on this machine, for a look."""

import argparse
from pathlib import Path

from engine.core.errors import ProjectError
from engine.core.settings import load_settings
from engine.edge import server, site


def main(argv: list[str]) -> int:
    """Serve the exported app on this machine until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="run.py serve", description=main.__doc__)
    parser.parse_args(argv[1:])
    config = load_settings()
    folder = Path(config.site)
    if not site.is_app(folder):
        raise ProjectError(f"{folder} holds no app yet; write it with: python3 run.py export")
    with server.listen(config, folder) as listening:
        print(f"serving {folder} on {server.address(listening)}; to stop: Ctrl-C", flush=True)
        listening.serve_until_told()
    return 0
