"""The verbs `evaluate` and `reproduce`: measure a version again, repeat a run."""

import argparse
import sys

import pandas as pd

from engine.contract.compare import difference
from engine.contract.read import load_contract
from engine.core.errors import ContractError, DataError, GateFailed, RunError
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.data.checks import check_rows
from engine.data.read import (
    feature_values,
    own_rows,
    read_file,
    table_hash,
    target_values,
    typed_rows,
)
from engine.data.split import labelled, split_rows
from engine.features.lookup import complete
from engine.registry.bundle import Bundle
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.training import metrics
from engine.training.gates import groups
from engine.training.reproduce import reproduce as repeat

SHOWN = 10  # slices; a table of a hundred columns has hundreds


def main(argv: list[str]) -> int:
    """Measure a version, or repeat a run."""
    return reproduce(argv) if argv[0] == "reproduce" else evaluate(argv)


def reproduce(argv: list[str]) -> int:
    """Repeat a run and compare its artifacts bit for bit."""
    parser = argparse.ArgumentParser(prog="run.py reproduce", description=reproduce.__doc__)
    parser.add_argument("run", help="a run id; python3 run.py history lists them")
    parser.add_argument("--seed", type=int, help="repeat with another seed")
    options = parser.parse_args(argv[1:])
    found = repeat(Storage(load_settings().store), options.run, options.seed)
    if found:
        raise RunError(f"run {options.run} was not reproduced\n" + "\n".join(found))
    print(f"run {options.run} was reproduced: every artifact is the same, bit for bit")
    return 0


def evaluate(argv: list[str]) -> int:
    """Measure a registered version on the test rows, or on all rows of a file."""
    parser = argparse.ArgumentParser(prog="run.py evaluate", description=evaluate.__doc__)
    parser.add_argument(
        "file", nargs="?", help="rows with their outcomes (default: the test split)"
    )
    parser.add_argument("--version", type=int, help="which version (default: the champion)")
    options = parser.parse_args(argv[1:])
    config = load_settings()
    version, bundle = Registry(Storage(config.store)).load(options.version)
    contract = bundle.contract
    if not options.file:
        contract = load_contract().decided(contract.threshold)
    if why := difference(bundle.contract, contract):
        raise ContractError(
            f"version {version} was made under another contract: {why}. Measure it on rows of its "
            f"own: python3 run.py evaluate FILE --version {version}; or choose a version of this "
            "contract (python3 run.py history), or train one (python3 run.py train)"
        )
    if options.file:
        rows = _rows(options.file, version, bundle)
    else:
        rows = split_rows(complete(own_rows(contract), contract), contract).test
    predictor = Predictor(bundle)
    target = target_values(rows, contract)
    scores = predictor.score_inputs(predictor.encode.columns(feature_values(rows, contract)))
    print(f"version {version}, run {bundle.manifest.run_id}, {len(rows)} rows")
    found = metrics.metrics(contract, target, scores)
    for name, value in found.items():
        print(f"  {name:<20} {value:.4f}")
    gaps = groups.slices(contract, rows, target, scores).gaps
    for gap in sorted(gaps, key=lambda gap: -gap.value)[:SHOWN]:
        group = gap.worse
        print(
            f"  {group.measure} of {group.column} = {group.name}: "
            f"{group.value:.4f} on {group.rows} rows"
        )
    if len(gaps) > SHOWN:
        print(f"  these are the worst {SHOWN} of {len(gaps)} slices")
    floor, is_better = contract.gates.floor, metrics.higher_is_better(contract)
    value = found[contract.gates.metric]
    if floor is not None and not (value >= floor if is_better else value <= floor):
        raise GateFailed(
            f"{contract.gates.metric} is {value:.4f}, the contract's floor is {floor:g}"
        )
    return 0


def _rows(path: str, version: int, bundle: Bundle) -> pd.DataFrame:
    """The rows of a file that can be measured; if the version learnt from them, that is said.

    Raises DataError where rows do not keep the contract: the server would refuse them.
    """
    contract, target = bundle.contract, bundle.contract.dataset.target
    table = read_file(path, contract.dataset.separator, contract.dataset.encoding)
    frame = complete(typed_rows(table, contract, path), contract)
    try:
        check_rows(frame, contract)
    except DataError as error:
        raise DataError(
            f"{path} does not keep the contract of version {version}:\n{error}"
        ) from None
    known = labelled(frame, contract)
    if known.empty:
        raise DataError(f"{path} has no row whose {target!r} is known, so nothing can be measured")
    if unknown := len(frame) - len(known):
        say(f"{unknown} of {len(frame)} rows have no {target!r} and are left out", sys.stderr)
    if table_hash(table) == bundle.manifest.data_hash:
        learnt = len(split_rows(known, contract).train)
        say(
            f"warning: version {version} learnt from {learnt} of these rows, so it looks better "
            "here than on new ones; its model card has the figures of rows that it never saw",
            sys.stderr,
            "warning",
        )
    return known
