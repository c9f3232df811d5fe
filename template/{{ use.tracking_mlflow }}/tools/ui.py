"""The web page of MLflow over the runs of this project."""

import argparse
import subprocess
import sys

from engine.core.errors import shown
from engine.core.settings import load_settings
from engine.tracking import backend as tracking
from engine.tracking import mlflow_store


def main(argv: list[str]) -> int:
    """Show runs, metrics and versions as a web page, until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="run.py ui", description=main.__doc__)
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args(argv[1:])
    config = load_settings()
    if config.tracking_url.startswith("http"):
        print(f"open {tracking.where(config)}")
        return 0
    print(f"open http://127.0.0.1:{options.port} (it takes some seconds; Ctrl+C ends it)")
    mlflow_store.prepare()
    return subprocess.run(command(mlflow_store.backend(config), options.port)).returncode


def command(backend: str, port: int) -> list[str]:
    """The command that starts MLflow's own server on this machine only."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend]
    return [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]


if __name__ == "__main__":
    sys.exit(shown("ui", lambda: main(["ui", *sys.argv[1:]])))
