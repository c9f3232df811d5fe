"""The verb `mlserver`: Seldon's MLServer over the champion, on this machine."""

import argparse
import os
import sys
from pathlib import Path

from engine.core.errors import SettingsError
from engine.core.settings import Settings, load_settings
from engine.serving.http.server import listen

MODELS = Path("deploy/seldon/models")


def main(argv: list[str]) -> int:
    """Serve the champion by MLServer until SIGTERM or Ctrl-C.

    HTTP at `port`, gRPC at the next one, metrics at the one after.
    """
    parser = argparse.ArgumentParser(prog="run.py mlserver", description=main.__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help=f"by default {MODELS}")
    options = parser.parse_args(argv[1:])
    settings = load_settings()
    if not [*options.models.glob("*/model-settings.json")]:
        raise SettingsError(f"{options.models} holds no folder with a model-settings.json")
    for port in range(settings.port, settings.port + 3):
        listen(settings.host, port).close()
    program = Path(sys.executable).with_name("mlserver")
    if not program.exists():
        raise SettingsError(
            "MLServer is not in this environment; python3 run.py mlserver starts it in its own"
        )
    os.execve(program, [str(program), "start", str(options.models)], environment(settings))


def environment(settings: Settings) -> dict[str, str]:
    """What MLServer is told, beside what the environment says already."""
    told = {
        "DEBUG": "false",
        "HOST": settings.host,
        "HTTP_PORT": str(settings.port),
        "GRPC_PORT": str(settings.port + 1),
        "METRICS_PORT": str(settings.port + 2),
        "PARALLEL_WORKERS": "0",  # the application scores together what waits together
    }
    src = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [src, os.environ.get("PYTHONPATH")]))
    return {**os.environ, **{f"MLSERVER_{k}": v for k, v in told.items()}, "PYTHONPATH": path}
