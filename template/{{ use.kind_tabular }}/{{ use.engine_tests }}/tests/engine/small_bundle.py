"""A bundle of the project's own contract around a few bytes: enough for registry and tracker."""

from pathlib import Path

from engine.contract.read import load_contract
from engine.core.storage import Storage
from engine.registry import runs
from engine.registry.bundle import CONTRACT, MODEL, REFERENCE, Bundle, Manifest, write_bundle
from engine.registry.registry import Registry

ROOT = Path(__file__).parents[2]
PART = MODEL
METRICS = {"test.first": 0.75, "baseline.first": 0.5}


def make(folder: Path, run_id: str, content: bytes = b"a model") -> str:
    """Fill a folder with the bundle of a run; returns its digest."""
    contract = load_contract(ROOT / "contract.toml")
    folder.mkdir(parents=True)
    (folder / MODEL).write_bytes(content)
    (folder / REFERENCE).write_bytes(b"reference rows")
    (folder / CONTRACT).write_bytes((ROOT / "contract.toml").read_bytes())
    manifest = Manifest(
        run_id=run_id,
        created="2026-01-31T12:00:00+00:00",
        family="small",
        params={"depth": 3},
        metrics=METRICS,
        fallback=[0.5],
        baseline_mix=[1.0],
        contract_fingerprint=contract.fingerprint,
        data_hash="data",
        versions={},
        files={},
    )
    digest: str = write_bundle(folder, manifest)
    return digest


def content(bundle: Bundle) -> bytes:
    """What stands for the model in it."""
    return bytes(bundle.model)


def register(place: Storage, scratch: Path, run_id: str) -> int:
    """Make a bundle and register it; returns its version."""
    digest = make(scratch / run_id, run_id, run_id.encode())
    version: int = Registry(place).register(scratch / run_id, run_id, digest, METRICS)
    return version


def three_versions(folder: Path) -> Registry:
    """A registry in `folder`/store with versions 1 to 3 of the runs one, two and three."""
    place = Storage(folder / "store")
    for run_id in ("one", "two", "three"):
        register(place, folder / "scratch", run_id)
    return Registry(place)


def record(run_id: str) -> runs.RunRecord:
    """The record of a run that made such a bundle."""
    return runs.RunRecord(
        run_id=run_id,
        created="2026-01-31T12:00:00+00:00",
        family="small",
        inputs=runs.Inputs(
            data="data", contract="contract", code="code", lock="lock", params={"depth": 3}, seed=7
        ),
        source="rows.csv",
        rows={"train": 3, "validation": 1, "test": 1},
        commit="",
        dirty=True,
        python="3",
        versions={},
        metrics=METRICS,
        importance={},
        slices=[],
        groups=[],
        gates=[],
        warnings=[],
        seconds={},
        files={},
    )
