"""From nothing to an answer: an index of the documents, measured, promoted and served."""

import argparse
import sys

from engine.commands import start
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core.errors import BundleError, GateFailed
from engine.core.settings import Settings, load_settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.corpus import load as corpora
from engine.evaluation.inputs import current_inputs
from engine.registry import runs
from engine.registry.registry import Registry


def main(argv: list[str]) -> int:
    """Build an index if anything changed, promote it if no gate fails, then serve."""
    parser = argparse.ArgumentParser(prog="run.py up", description=main.__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the first answer")
    options = parser.parse_args(argv[1:])
    config, contract = load_settings(), load_contract()
    start.check(config)
    if is_current(config, contract):
        print("nothing changed since the champion was built")
    else:
        _build(config)
    return start.up(config, once=options.once)


def is_current(config: Settings, contract: Contract) -> bool:
    """Whether the champion was built from the documents, contract, prompt and code of now."""
    registry = Registry(Storage(config.store))
    if registry.state().champion is None:
        return False
    try:
        _, bundle = registry.load()
    except BundleError as error:
        say(f"the champion is damaged and is built again: {error}", sys.stderr)
        return False
    made_from = runs.load(registry.storage, bundle.manifest.run_id).inputs
    return made_from == current_inputs(contract, corpora.load(contract), config)


def _build(config: Settings) -> None:
    from engine.commands.registry import promote
    from engine.evaluation.build import index

    record = index(config)
    if not record.passed:
        raise GateFailed(
            f"the index is not served, because it failed: {record.failed}. Look at its card, "
            "change documents, questions or the gates in contract.toml (docs/runbook.md); "
            "a champion of before stays what it was (python3 run.py history)"
        )
    version = promote(config, reason=f"run {record.run_id} failed no gate")
    print(f"version {version} is the champion; see MODEL_CARD.md")
