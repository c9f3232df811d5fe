"""From rows to a judged model: seeded, recorded, repeatable, and never promoted past a gate."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import bundle as bundles
from . import contract as contracts
from . import convert, data, gates, judge, model, pipeline, registry, runs, settings, tracking
from .contract import Contract
from .errors import GateFailed
from .model_card import write_card
from .predictor import Predictor
from .settings import Settings
from .storage import Storage

REFERENCE_ROWS = 5000  # enough for two decimals of a share, small enough to ship
CONTRACT_FILE = "contract.toml"
REPEATED = (bundles.MODEL, bundles.CONTRACT, bundles.REFERENCE)  # the same when a run is repeated


@dataclass
class Clock:
    """Says what is being done and keeps how long it took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step and show it as it starts and ends."""
        print(f"  {name} ...", end="", flush=True)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)
        print(f" {self.seconds[name]:.1f} s", flush=True)


def train(
    config: Settings, overrides: list[str] | None = None, seed: int | None = None
) -> runs.RunRecord:
    """Train, judge and record one model; register it as challenger when every gate is kept.

    `overrides` are NAME=VALUE hyperparameters; `seed` replaces the contract's. The returned record
    says which gates failed; nothing failed is ever registered.
    """
    contract = contracts.load(CONTRACT_FILE)
    storage = Storage(config.store)
    storage.check()
    inputs = runs.current_inputs(contract, overrides, seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        record, digest = build(contract, inputs, folder, storage)
        runs.save(storage, record, folder)
        print(gates.table(record.gates))
        report = tracking.log_run(config, record, folder)
        if report:
            print(report)
        if record.passed:
            books = registry.Registry(storage)
            version = books.register(folder, record.run_id, digest, record.metrics)
            tracking.mirror(config, books.state())
            print(f"run {record.run_id} is version {version}, the challenger")
    return record


def build(
    contract: Contract, inputs: runs.Inputs, folder: Path, storage: Storage | None
) -> tuple[runs.RunRecord, str]:
    """Fit, export and judge a model; leaves a complete bundle in `folder`.

    Returns the record and the bundle's digest. Without `storage` no champion is compared.
    """
    clock, run_id = Clock(), runs.new_id()
    with clock.step("reading and checking the data"):
        frame = data.read(contract.dataset.source, contract)
        data.check(frame, contract)
        split = data.split(data.labelled(frame, contract), contract)
        warnings = data.leaks(split, contract)
        training, validation, test = judge.parts(contract, split)
    for warning in warnings:
        print(f"  warning: {warning}", file=sys.stderr)
    with clock.step(f"fitting {model.FAMILY} on {len(split.train)} rows"):
        fitted = pipeline.fit(
            contract, training.inputs, training.target, inputs.params, inputs.seed
        )
    answer = judge.baseline(contract, training.target)
    measured = judge.measure(contract, fitted, answer, validation, test)
    with clock.step("exporting the bundle"):
        (folder / bundles.MODEL).write_bytes(convert.to_onnx(fitted, contract))
        shutil.copyfile(CONTRACT_FILE, folder / bundles.CONTRACT)
        reference = data.reference(split.train, contract, REFERENCE_ROWS, inputs.seed)
        reference.to_parquet(folder / bundles.REFERENCE, index=False)
        manifest = bundles.Manifest(
            run_id=run_id,
            created=registry.now(),
            family=model.FAMILY,
            params=inputs.params,
            metrics=measured,
            fallback=answer,
            baseline_mix=judge.mix(contract, pipeline.scores(fitted, test.inputs)),
            contract_fingerprint=contract.fingerprint,
            data_hash=inputs.data,
            versions=runs.environment(),
            files={},
        )
        digest = bundles.write(folder, manifest)
    with clock.step("judging"):
        predictor = Predictor(bundles.load(Storage(folder), "", digest))
        verdict = judge.judge(
            contract, fitted, predictor, measured, split, test, storage, inputs.seed
        )
    commit, dirty = runs.git_state()
    record = runs.RunRecord(
        run_id=run_id,
        created=manifest.created,
        family=model.FAMILY,
        inputs=inputs,
        source=contract.dataset.source,
        rows={p: len(getattr(split, p)) for p in ("train", "validation", "test")},
        commit=commit,
        dirty=dirty,
        python=runs.python_version(),
        versions=manifest.versions,
        metrics=measured,
        importance=verdict.importance,
        slices=verdict.slices,
        gates=verdict.gates,
        warnings=warnings,
        seconds=clock.seconds,
        files={name: runs.hash_of((folder / name).read_bytes()) for name in REPEATED},
    )
    return record, digest


def main(argv: list[str]) -> int:
    """Train and judge a model; when every gate is kept, it becomes the challenger."""
    parser = argparse.ArgumentParser(prog="run.py train", description=main.__doc__)
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", dest="overrides"
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--promote", action="store_true", help="make it the champion at once")
    options = parser.parse_args(argv[1:])
    config = settings.load()
    record = train(config, options.overrides, options.seed)
    if not record.passed:
        raise GateFailed(
            f"run {record.run_id} failed: {record.failed}. It is recorded but not registered; "
            "look at the data (python run.py data report), "
            "change params.toml or the contract's gates"
        )
    if options.promote:
        promote(config, record)
    else:
        print("make it the champion with: python run.py promote")
    return 0


def promote(config: Settings, record: runs.RunRecord) -> int:
    """Make the challenger the champion and write its model card."""
    books = registry.Registry(Storage(config.store))
    version = books.promote(reason=f"run {record.run_id} kept every gate")
    tracking.mirror(config, books.state())
    write_card(books.load(version)[1], record, version)
    print(f"version {version} is the champion; see MODEL_CARD.md")
    return version
