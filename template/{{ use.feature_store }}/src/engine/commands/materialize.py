"""The verb `materialize`: what is known of every entity now goes to where servers look it up."""

import argparse
from datetime import datetime

from engine.contract.read import load_contract
from engine.core.errors import SettingsError
from engine.core.settings import load_settings
from engine.features.tables import materialize


def main(argv: list[str]) -> int:
    """Bring the values that servers look up in line with the feature tables."""
    parser = argparse.ArgumentParser(prog="run.py materialize", description=main.__doc__)
    parser.add_argument(
        "--until", metavar="TIME", help="what was known then, such as 2026-01-31T12:00:00Z"
    )
    options = parser.parse_args(argv[1:])
    contract = load_contract()
    if not contract.tables:
        print("contract.toml declares no [tables]: every feature comes with the request")
        return 0
    materialize(contract, load_settings(), _moment(options.until))
    return 0


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise SettingsError(f"--until is {text!r}; it must be a time such as 2026-01-31T12:00:00Z")
    return found
