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
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline

from . import bundle as bundles
from . import contract as contracts
from . import convert, data, evaluate, model, pipeline, registry, runs, settings, tracking
from .bundle import Bundle
from .contract import Contract
from .errors import DataError, GateFailed, ProjectError
from .features import Encoder
from .features import Inputs as Arrays
from .model_card import write_card
from .predictor import Predictor
from .settings import Settings
from .storage import Storage

REFERENCE_ROWS = 5000  # enough for two decimals of a share, small enough to ship
IMPORTANCE_ROWS = 2000
CONTRACT_FILE = "contract.toml"


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


def train(config: Settings, overrides: list[str] | None = None, seed: int | None = None) -> runs.RunRecord:
    """Train, judge and record one model; register it as challenger when every gate is kept.

    `overrides` are NAME=VALUE hyperparameters; `seed` replaces the contract's. The returned record
    says which gates failed; nothing failed is ever registered.
    """
    contract = contracts.load(CONTRACT_FILE)
    storage = Storage(config.store)
    inputs = current_inputs(contract, overrides, seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        record, digest = build(contract, inputs, folder, storage)
        runs.save(storage, record, folder)
        print(evaluate.table(record.gates))
        report = tracking.log_run(config, record, folder)
        if report:
            print(report)
        if record.passed:
            books = registry.Registry(storage)
            version = books.register(folder, record.run_id, digest, record.metrics)
            tracking.mirror(config, books.state())
            print(f"run {record.run_id} is version {version}, the challenger")
    return record


def current_inputs(
    contract: Contract, overrides: list[str] | None = None, seed: int | None = None
) -> runs.Inputs:
    """What a run started now would be made from."""
    return runs.Inputs(
        data=data.file_hash(contract.dataset.source),
        contract=contract.fingerprint,
        code=runs.code_hash(),
        lock=runs.lock_hash(),
        params=runs.params(contract.dataset.task, overrides or []),
        seed=contract.split.seed if seed is None else seed,
    )


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
        parts = data.split(frame, contract)
        warnings = data.leaks(frame, contract)
    for warning in warnings:
        print(f"  warning: {warning}", file=sys.stderr)
    encoder = Encoder(contract)
    three = (parts.train, parts.validation, parts.test)
    arrays = [encoder.columns(data.inputs(part, contract)) for part in three]
    targets = [data.target(part, contract) for part in three]
    with clock.step(f"fitting {model.FAMILY} on {len(targets[0])} rows"):
        fitted = pipeline.fit(contract, arrays[0], targets[0], inputs.params, inputs.seed)
    with clock.step("exporting model.onnx"):
        content = convert.to_onnx(fitted, contract)
        (folder / bundles.MODEL).write_bytes(content)
        shutil.copyfile(CONTRACT_FILE, folder / bundles.CONTRACT)
        reference = data.reference(parts.train, contract, REFERENCE_ROWS, inputs.seed)
        reference.to_parquet(folder / bundles.REFERENCE, index=False)
    baseline = _baseline(contract, targets[0])
    test_scores = pipeline.scores(fitted, arrays[2])
    measured = {
        f"{part}.{name}": value
        for part, x, y in zip(("validation", "test"), arrays[1:], targets[1:], strict=True)
        for name, value in evaluate.metrics(contract, y, pipeline.scores(fitted, x)).items()
    }
    constant = np.tile(baseline, (len(targets[2]), 1))
    baseline_metrics = evaluate.metrics(contract, targets[2], constant)
    measured |= {f"baseline.{name}": value for name, value in baseline_metrics.items()}
    manifest = bundles.Manifest(
        run_id=run_id,
        created=registry.now(),
        family=model.FAMILY,
        params=inputs.params,
        metrics=measured,
        fallback=baseline,
        baseline_mix=_mix(contract, test_scores),
        contract_fingerprint=contract.fingerprint,
        data_hash=inputs.data,
        versions=runs.environment(),
        files={},
    )
    digest = bundles.write(folder, manifest)
    with clock.step("judging"):
        predictor = Predictor(bundles.load(Storage(folder), "", digest))
        found = evaluate.slices(contract, parts.test, targets[2], test_scores)
        champion, note = _champion(storage, contract, arrays[2], targets[2])
        decoded = encoder.tuples(data.inputs(parts.test, contract))
        gates = evaluate.gates(
            contract,
            model=evaluate.metrics(contract, targets[2], test_scores),
            baseline=baseline_metrics,
            champion=champion,
            champion_note=note,
            slices=found,
            fairness=evaluate.fairness(contract, parts.test, targets[2], test_scores),
            parity=convert.parity(
                predictor, fitted, arrays[2], contract.gates.parity_tolerance, _scale(contract, targets[0])
            ),
            p99_ms=evaluate.latency(predictor, decoded),
        )
        importance = _importance(contract, fitted, arrays[2], targets[2], inputs.seed)
    commit, dirty = runs.git_state()
    record = runs.RunRecord(
        run_id=run_id,
        created=manifest.created,
        family=model.FAMILY,
        inputs=inputs,
        source=contract.dataset.source,
        rows={"train": len(targets[0]), "validation": len(targets[1]), "test": len(targets[2])},
        commit=commit,
        dirty=dirty,
        python=runs.python_version(),
        versions=manifest.versions,
        metrics=measured,
        importance=importance,
        slices=found,
        gates=gates,
        warnings=warnings,
        seconds=clock.seconds,
        files={name: runs.hash_of((folder / name).read_bytes()) for name in REPEATED},
    )
    return record, digest


REPEATED = (bundles.MODEL, bundles.CONTRACT, bundles.REFERENCE)


def main(argv: list[str]) -> int:
    """Train and judge a model; when every gate is kept, it becomes the challenger."""
    parser = argparse.ArgumentParser(prog="run.py train", description=main.__doc__)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="overrides")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--promote", action="store_true", help="make it the champion at once")
    options = parser.parse_args(argv[1:])
    config = settings.load()
    record = train(config, options.overrides, options.seed)
    if not record.passed:
        failed = ", ".join(gate.name for gate in record.gates if not gate.passed)
        raise GateFailed(
            f"run {record.run_id} failed: {failed}. It is recorded but not registered; "
            "look at the data (python run.py data report), change params.toml or the contract's gates"
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


def _baseline(contract: Contract, target: NDArray[Any]) -> list[float]:
    """What a model that looks at nothing answers: class shares, or the mean."""
    nothing = np.zeros((len(target), 1))
    if contract.classes:
        shares = DummyClassifier(strategy="prior").fit(nothing, target).predict_proba(nothing[:1])
        return [float(share) for share in shares[0]]
    return [float(DummyRegressor().fit(nothing, target).predict(nothing[:1])[0])]


def _mix(contract: Contract, scores: NDArray[Any]) -> list[float]:
    if contract.classes:
        counts = np.bincount(scores.argmax(axis=1), minlength=len(contract.classes))
        return [float(share) for share in counts / counts.sum()]
    return [float(q) for q in np.quantile(scores[:, 0], np.linspace(0, 1, 11))]


def _champion(
    storage: Storage | None, contract: Contract, inputs: Arrays, target: NDArray[Any]
) -> tuple[dict[str, float] | None, str]:
    """The champion's metrics on the same test rows, or why they cannot be had."""
    if storage is None or registry.Registry(storage).state().champion is None:
        return None, "no champion yet"
    try:
        version, bundle = registry.Registry(storage).load()
    except ProjectError as error:
        return None, f"the champion cannot be loaded: {error}"
    if not _same_question(bundle, contract):
        return None, f"champion {version} answers another contract"
    scores = Predictor(bundle).score_inputs(inputs)
    return evaluate.metrics(contract, target, scores), ""


def _same_question(bundle: Bundle, contract: Contract) -> bool:
    old = bundle.contract
    return (old.numbers, old.categories, old.classes, old.dataset.target) == (
        contract.numbers,
        contract.categories,
        contract.classes,
        contract.dataset.target,
    )


def _importance(
    contract: Contract, fitted: Pipeline, inputs: Arrays, target: NDArray[Any], seed: int
) -> dict[str, float]:
    """How much accuracy (or R2) is lost when one input is shuffled (Breiman 2001), largest first."""
    table = pipeline.as_table(inputs).head(IMPORTANCE_ROWS)
    lost = permutation_importance(
        fitted, table, target[: len(table)], n_repeats=5, random_state=seed
    ).importances_mean
    names = (*contract.numbers, *contract.categories)
    ranked = sorted(zip(names, lost, strict=True), key=lambda item: -item[1])
    return {name: round(float(value), 5) for name, value in ranked}


def _scale(contract: Contract, target: NDArray[Any]) -> float:
    if contract.classes:
        return 1.0
    spread = float(np.std(target))
    if spread == 0:
        raise DataError(f"the target {contract.dataset.target!r} has one value only; nothing can be learnt")
    return spread
