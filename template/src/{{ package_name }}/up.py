"""From nothing to a served prediction: sample data, training, promotion, serving."""

import argparse
import subprocess
import sys
from pathlib import Path

from . import contract as contracts
from . import registry, runs, serving, settings
from .contract import Contract
from .errors import BundleError, DataError, GateFailed
from .settings import Settings
from .storage import Storage

SAMPLE = Path("data/make_sample.py")


def main(argv: list[str]) -> int:
    """Train if anything changed, promote if every gate is kept, then serve."""
    parser = argparse.ArgumentParser(prog="run.py up", description=main.__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the first prediction")
    options = parser.parse_args(argv[1:])
    config, contract = settings.load(), contracts.load()
    ensure_data(contract)
    if is_current(config, contract):
        print("nothing changed since the champion was trained")
    else:
        _train(config)
    return serving.up(config, once=options.once)


def ensure_data(contract: Contract) -> None:
    """Make the sample data when the contract asks for them and they are not there yet."""
    source = contract.dataset.source
    if "://" in source or Path(source).exists():
        return
    if not SAMPLE.exists():
        raise DataError(f"{source} does not exist; dataset.source in contract.toml names it")
    print(f"making the sample data: python {SAMPLE}")
    subprocess.run([sys.executable, str(SAMPLE)], check=True)
    if not Path(source).exists():
        raise DataError(
            f"{source} does not exist and {SAMPLE} does not make it; "
            "correct dataset.source in contract.toml"
        )


def is_current(config: Settings, contract: Contract) -> bool:
    """Whether the champion was made from the data, contract, code and hyperparameters of now."""
    books = registry.Registry(Storage(config.store))
    if books.state().champion is None:
        return False
    try:
        _, bundle = books.load()
    except BundleError as error:
        print(f"the champion is damaged and is trained again: {error}", file=sys.stderr)
        return False
    made_from = runs.load(books.storage, bundle.manifest.run_id).inputs
    return made_from == runs.current_inputs(contract)


def _train(config: Settings) -> None:
    from . import train

    record = train.train(config)
    if not record.passed:
        failed = ", ".join(gate.name for gate in record.gates if not gate.passed)
        raise GateFailed(
            f"the model is not served, because it failed: {failed}. Look at the data "
            "(python run.py data report), change params.toml or the gates in contract.toml; "
            "an earlier champion can be served with: python run.py serve"
        )
    train.promote(config, record)
