"""The verb `materialise`: what is known of every entity now goes to where servers look it up."""

import argparse
from datetime import UTC, datetime

from . import contract as contracts
from . import feature_store, feature_tables, settings
from .contract import Contract
from .errors import SettingsError
from .settings import Settings


def main(argv: list[str]) -> int:
    """Bring the values that servers look up in line with the feature tables."""
    parser = argparse.ArgumentParser(prog="run.py materialise", description=main.__doc__)
    parser.add_argument(
        "--until", metavar="TIME", help="what was known then, such as 2026-01-31T12:00:00Z"
    )
    options = parser.parse_args(argv[1:])
    contract = contracts.load()
    if not contract.tables:
        print("contract.toml declares no [tables]: every feature comes with the request")
        return 0
    materialise(contract, settings.load(), _moment(options.until))
    return 0


def materialise(contract: Contract, config: Settings, until: datetime | None = None) -> None:
    """Check every table, put what is known at `until` (now) in place, and say how much that is."""
    tables = feature_tables.read_all(contract)
    until = until or datetime.now(UTC)
    counts = feature_store.materialise(tables, until, config)
    for name, count in counts.items():
        print(f"materialised the table {name}: {count} values of {contract.tables[name].entity!r}")


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
