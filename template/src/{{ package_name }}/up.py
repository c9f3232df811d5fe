"""From nothing to a prediction: sample data, training, promotion, serving."""

import argparse
import sys

from . import contract as contracts
from . import registry, runs, sample, serving, settings
from .contract import Contract
from .errors import BundleError, GateFailed
from .settings import Settings
from .storage import Storage


def main(argv: list[str]) -> int:
    """Train if anything changed, promote if every gate is kept, then serve."""
    parser = argparse.ArgumentParser(prog="run.py up", description=main.__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the first prediction")
    options = parser.parse_args(argv[1:])
    config, contract = settings.load(), contracts.load()
    sample.ensure(contract)
    if is_current(config, contract):
        print("nothing changed since the champion was trained")
    else:
        _train(config)
    if contract.tables:
        from .materialise import materialise

        materialise(contract, config)
    return serving.up(config, once=options.once)


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
        raise GateFailed(
            f"the model is not served, because it failed: {record.failed}. Look at the data "
            "(python run.py data report), change params.toml or the gates in contract.toml; "
            "a champion of before stays what it was (python run.py history)"
        )
    train.promote(config, record)
