"""Measure a version that exists: on the test rows, or on rows whose outcome came later."""

import argparse

from . import contract as contracts
from . import data, measures, registry, settings
from .errors import GateFailed
from .predictor import Predictor
from .storage import Storage


def main(argv: list[str]) -> int:
    """Measure a registered version on the test rows, or on all rows of a file."""
    parser = argparse.ArgumentParser(prog="run.py evaluate", description=main.__doc__)
    parser.add_argument(
        "file", nargs="?", help="rows with their outcomes (default: the test split)"
    )
    parser.add_argument("--version", type=int, help="which version (default: the champion)")
    options = parser.parse_args(argv[1:])
    config = settings.load()
    version, bundle = registry.Registry(Storage(config.store)).load(options.version)
    contract = bundle.contract if options.file else contracts.load()
    frame = data.read(options.file or contract.dataset.source, contract)
    rows = frame if options.file else data.split(frame, contract).test
    predictor = Predictor(bundle)
    target = data.target(rows, contract)
    scores = predictor.score_inputs(predictor.encode.columns(data.inputs(rows, contract)))
    print(f"version {version}, run {bundle.manifest.run_id}, {len(rows)} rows")
    found = measures.metrics(contract, target, scores)
    for name, value in found.items():
        print(f"  {name:<20} {value:.4f}")
    for entry in measures.slices(contract, rows, target, scores):
        print(
            f"  {entry['column']} = {entry['group']}: "
            f"{entry['quality']:.4f} on {entry['rows']} rows"
        )
    floor = contract.gates.floor
    value = found[contract.gates.metric]
    if not (value >= floor if contract.higher_is_better else value <= floor):
        raise GateFailed(
            f"{contract.gates.metric} is {value:.4f}, the contract's floor is {floor:g}"
        )
    return 0
