"""The web page of MLflow over the runs of this project."""

import argparse
import subprocess
import sys

from . import mlflow_store, settings, tracking


def main(argv: list[str]) -> int:
    """Show runs, metrics and versions as a web page, until Ctrl+C."""
    parser = argparse.ArgumentParser(prog="run.py ui", description=main.__doc__)
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args(argv[1:])
    config = settings.load()
    if config.tracking_url.startswith("http"):
        print(f"open {tracking.where(config)}")
        return 0
    return serve(mlflow_store.backend(config), options.port)


def serve(backend: str, port: int) -> int:
    """Run MLflow's own server on this machine; returns its exit code."""
    mlflow_store.prepare()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend]
    return subprocess.run([*command, "--host", "127.0.0.1", "--port", str(port)]).returncode
