"""The verb `triton`: NVIDIA's Triton over the champion, or its model repository as files."""

import argparse
from pathlib import Path

from engine.core.settings import Settings, load_settings
from engine.serving.triton import repository, server

INSTANCES = (
    "how many there are, by default 2, each of which takes a core; with a single one Triton's "
    "batcher forgets now and then to wake up for half a second"
)


def main(argv: list[str]) -> int:
    """Serve the champion by Triton until SIGTERM or Ctrl-C, or write its model repository."""
    parser = argparse.ArgumentParser(prog="run.py triton", description=main.__doc__)
    verbs = parser.add_subparsers(dest="what", required=True)
    verbs.add_parser("serve", help="HTTP at port, gRPC at the next one, metrics at the one after")
    export = verbs.add_parser("export", help="write model.onnx by itself as a model repository")
    export.add_argument("folder", type=Path)
    export.add_argument(
        "--instances", type=int, choices=range(1, 65), default=2, metavar="N", help=INSTANCES
    )
    options = parser.parse_args(argv[1:])
    settings = load_settings()
    if options.what == "serve":
        return server.run(settings, lambda url: _say(url, settings))
    return _export(options.folder, options.instances, settings)


def _export(folder: Path, instances: int, settings: Settings) -> int:
    version, bundle = repository.champion(settings)
    repository.write_bare(folder, version, bundle, settings, instances)
    print(
        f"version {version} is written to {folder} as {settings.name}_onnx, for any Triton with "
        "the onnxruntime backend; it checks nothing and keeps no log"
    )
    return 0


def _say(url: str, settings: Settings) -> None:
    port = settings.port
    print(f"serving on {url} (HTTP), port {port + 1} (gRPC), port {port + 2} (metrics)", flush=True)
