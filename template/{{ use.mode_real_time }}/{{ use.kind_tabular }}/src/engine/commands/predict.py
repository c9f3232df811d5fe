"""Ask a running server: for the rows of a file, or for a row made up from the contract."""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from engine.contract import example_rows
from engine.contract.read import load_contract
from engine.core.errors import DataError, ProjectError
from engine.core.settings import Settings, load_settings
from engine.features.lookup import example_keys
from engine.serving.client import Client, ClientError, UnavailableError


def main(argv: list[str]) -> int:
    """Send rows to the running server and print its answers."""
    config = load_settings()
    parser = argparse.ArgumentParser(prog="run.py predict", description=main.__doc__)
    parser.add_argument("file", nargs="?", type=Path, help='JSON: {"rows": [{column: value}]}')
    parser.add_argument("--url", default=f"http://{config.host}:{config.port}")
    options = parser.parse_args(argv[1:])
    rows = read(options.file) if options.file else _example(config)
    try:
        with Client(options.url, api_key=config.api_key) as client:
            answers = client.predict(rows)
    except UnavailableError as error:
        raise ProjectError(f"{error}; start the server with: python run.py serve") from None
    except ClientError as error:
        raise ProjectError(f"{options.url} refused: {error}") from None
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answers), indent=2).decode() + "\n")
    return 0


def _example(config: Settings) -> list[dict[str, Any]]:
    contract = load_contract()
    return example_rows.requests(contract, keys=example_keys(contract, config))


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON file, which is what a request's body would be.

    Raises DataError when it cannot be read as that.
    """
    try:
        body = msgspec.json.decode(path.read_bytes(), type=dict[str, list[dict[str, Any]]])
        return body["rows"]
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise DataError(f'{path} is not {{"rows": [{{column: value}}]}}: {error}') from None
