"""From nothing to a prediction: sample data, training, promotion, serving."""

import argparse
import sys

from engine.commands import start
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import BundleError, GateFailed
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.data import sample
from engine.features.lookup import materialize
from engine.registry import runs
from engine.registry.inputs import current_inputs
from engine.registry.registry import Registry


def main(argv: list[str]) -> int:
    """Train if anything changed, promote if no gate fails, then serve."""
    parser = argparse.ArgumentParser(prog="run.py up", description=main.__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the first prediction")
    options = parser.parse_args(argv[1:])
    config, contract = load_settings(), load_contract()
    start.check(config)
    sample.ensure(contract)
    if is_current(config, contract):
        print("nothing changed since the champion was trained")
    else:
        _train(config)
    materialize(contract, config)
    return start.up(config, once=options.once)


def is_current(config: Settings, contract: Contract) -> bool:
    """Whether the champion was made from the data, contract, code and hyperparameters of now."""
    registry = Registry(Storage(config.store))
    if registry.state().champion is None:
        return False
    try:
        _, bundle = registry.load()
    except BundleError as error:
        say(f"the champion is damaged and is trained again: {error}", sys.stderr)
        return False
    made_from = runs.load(registry.storage, bundle.manifest.run_id).inputs
    return made_from == current_inputs(contract)


def _train(config: Settings) -> None:
    from engine.commands.registry import promote
    from engine.training.train import train

    record = train(config)
    if not record.passed:
        champion = Registry(Storage(config.store)).state().champion
        stays = f"; version {champion} stays the champion" if champion is not None else ""
        raise GateFailed(
            f"the model is not served, because it failed: {record.failed}. Look at the data "
            "(python3 run.py data report), change params.toml or the gates in contract.toml" + stays
        )
    version = promote(config, reason=f"run {record.run_id} failed no gate")
    print(f"version {version} is the champion; see MODEL_CARD.md")
