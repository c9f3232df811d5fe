"""From rows to a measured model: seeded, recorded, repeatable, and never promoted past a gate."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from engine.contract import app
from engine.contract.read import load_contract
from engine.contract.schema import Contract
from engine.core import provenance
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.core.terminal import say
from engine.data.checks import check_rows
from engine.data.read import own_rows, reference_rows
from engine.data.signs import copies
from engine.data.signs.leaks import find_leaks
from engine.data.signs.proxies import proxies
from engine.data.source import called
from engine.data.split import labelled, split_rows
from engine.data.typical import typical_values
from engine.features.derive import Derived
from engine.features.lookup import complete
from engine.registry import inputs as inputs_of
from engine.registry import runs
from engine.registry.bundle import CONTRACT, MODEL, REFERENCE, Manifest, load_bundle, write_bundle
from engine.registry.history import now
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.tracking import backend
from engine.training import card, evaluation, export, pipeline
from engine.training.decision import rare, summary
from engine.training.decision.settle import settle
from engine.training.gates import shown
from engine.training.metrics import higher_is_better

REFERENCE_ROWS = 5000  # enough for two decimals of a share, small enough to ship
CONTRACT_FILE = "contract.toml"
REPEATED = (MODEL, CONTRACT, REFERENCE)  # the same when a run is repeated


@dataclass
class Clock:
    """Says what is being done and keeps how long it took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step and show it as it starts and ends."""
        print(f"  {name} ...", end="", flush=True)
        start = time.perf_counter()
        try:
            yield
        except BaseException:
            print(flush=True)  # what went wrong begins a line of its own
            raise
        self.seconds[name] = round(time.perf_counter() - start, 3)
        print(f" {self.seconds[name]:.1f} s", flush=True)


def train(
    config: Settings, overrides: list[str] | None = None, seed: int | None = None
) -> runs.RunRecord:
    """Train, evaluate and record one model; register it as challenger when no gate failed.

    `overrides` are NAME=VALUE hyperparameters; `seed` replaces the contract's. The returned record
    says which gates failed; nothing failed is ever registered.
    """
    contract = load_contract(CONTRACT_FILE)
    storage = Storage(config.store)
    storage.check()
    inputs = inputs_of.current_inputs(contract, overrides, seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        record, digest = build(contract, inputs, folder, storage)
        place = card.write_run(storage, load_bundle(Storage(folder), "", digest), record)
        runs.save(storage, record, folder)
        print(shown.table(record.gates), end="\n\n")
        if said := summary.lines(contract, record):
            say("\n".join(said) + "\n")
        print(f"the card of this run: {place}")
        report = backend.log_run(config, record, folder)
        if report:
            print(report)
        if record.passed:
            registry = Registry(storage)
            version = registry.register(folder, record.run_id, digest, record.metrics)
            backend.mirror(config, registry.state())
            print(f"run {record.run_id} is version {version}, the challenger")
    return record


def build(
    contract: Contract,
    inputs: runs.Inputs,
    folder: Path,
    storage: Storage | None,
    written: Path = Path(CONTRACT_FILE),
) -> tuple[runs.RunRecord, str]:
    """Fit, export and evaluate a model; leaves a complete bundle in `folder`.

    `written` is the file of the contract. Returns the record and the bundle's digest. Without
    `storage` no champion is compared.
    """
    clock, run_id = Clock(), runs.new_id()
    higher_is_better(contract)  # refuses an unknown metric before the work
    with clock.step("reading and checking the data"):
        frame = complete(own_rows(contract), contract)
        check_rows(frame, contract, called=partial(called, contract.dataset))
        known = labelled(frame, contract)
        split = split_rows(known, contract)
        warnings = [
            *find_leaks(split.train, contract),
            *copies.warnings(copies.copies(split, contract)),
            *proxies(known, contract),
        ]
        training, validation, test = evaluation.parts(contract, *split)
        targets = {"training": training, "validation": validation, "test": test}
        warnings += rare.warnings(contract, {name: part.target for name, part in targets.items()})
    for warning in warnings:
        say(f"  warning: {warning}", sys.stderr, "warning")
    taught = pipeline.taught(contract, training, inputs.params, inputs.seed)
    of = "" if taught is training else f"{len(taught.target)} of "
    with clock.step(f"fitting {app.model().FAMILY} on {of}{len(split.train)} rows"):
        fitted = pipeline.fit(contract, taught, validation, inputs.params, inputs.seed)
    used, is_linear = pipeline.hyperparameters(fitted[-1]), pipeline.is_linear(fitted)
    with clock.step("calibrating") if contract.classes else nullcontext():
        settled = settle(contract, fitted, validation, inputs.seed)
        fitted, contract = settled.pipeline, settled.contract
    answer = evaluation.baseline(contract, training.target)
    linear, learnt_from = None, 0
    if not is_linear:
        with clock.step("fitting a linear reference"):
            linear, learnt_from = pipeline.linear_reference(
                contract, training, validation, inputs.seed
            )
    with clock.step("scoring validation and test rows"):
        scores = pipeline.scores(fitted, test.inputs)
        measured = evaluation.measure(contract, fitted, scores, linear, answer, validation, test)
    with clock.step("exporting the bundle"):
        (folder / MODEL).write_bytes(export.to_onnx(fitted, contract))
        shutil.copyfile(written, folder / CONTRACT)
        reference = reference_rows(split.train, contract, REFERENCE_ROWS, inputs.seed)
        reference.to_parquet(folder / REFERENCE, index=False)
        manifest = Manifest(
            run_id=run_id,
            created=now(),
            family=app.model().FAMILY,
            params=inputs.params,
            metrics=measured,
            fallback=answer,
            baseline_mix=evaluation.mix(contract, scores),
            threshold=contract.threshold,
            typical=typical_values(split.train, contract),
            typical_rows=len(split.train),
            contract_fingerprint=contract.fingerprint,
            data_hash=inputs.data,
            versions=provenance.libraries(),
            files={},
        )
        digest = write_bundle(folder, manifest)
    with clock.step("evaluating"):
        predictor = Predictor(load_bundle(Storage(folder), "", digest))
        found = evaluation.evaluate(
            contract,
            fitted,
            scores,
            predictor,
            measured,
            split,
            test,
            storage,
            inputs.seed,
            settled.reason,
        )
    commit, dirty = provenance.git_state()
    record = runs.RunRecord(
        run_id=run_id,
        created=manifest.created,
        family=app.model().FAMILY,
        inputs=inputs,
        source=contract.dataset.origin,
        fitted=used,
        taught_rows=len(taught.target),
        reference_rows=learnt_from,
        derived=[*fitted[0].names] if isinstance(fitted[0], Derived) else [],
        rows={p: len(getattr(split, p)) for p in ("train", "validation", "test")},
        commit=commit,
        dirty=dirty,
        python=provenance.python_version(),
        versions=manifest.versions,
        metrics=measured,
        importance=found.importance,
        slices=found.slices,
        groups=found.groups,
        calibration=settled.calibration,
        reliability=found.reliability,
        answers=found.answers,
        gates=found.gates,
        warnings=warnings,
        seconds=clock.seconds,
        files={name: provenance.hash_of((folder / name).read_bytes()) for name in REPEATED},
    )
    return record, digest
