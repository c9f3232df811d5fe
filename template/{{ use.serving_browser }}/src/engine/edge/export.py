"""The champion as a static app for the browser; one that fails a gate takes no place."""

import gzip
import shutil
from pathlib import Path

import msgspec

from engine.contract.schema import Contract
from engine.core.errors import GateFailed
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.edge import packages, site, trial
from engine.registry.bundle import Bundle
from engine.registry.predictor import Predictor
from engine.registry.registry import Registry
from engine.registry.runs import Gate
from engine.training.export import Parity
from engine.training.gates import shown
from engine.training.gates.check import at_most

MEGABYTE = 1_000_000
REPORT = Path("reports/export.json")


def export(settings: Settings, target: Path | None = None) -> Path:
    """Write the app, hold it against its gates, then put it in its place; returns the folder.

    Raises GateFailed when it is too heavy or does not say what Python says.
    """
    target = target or Path(settings.site)
    version, bundle = Registry(Storage(settings.store)).load()
    found = build(settings, bundle, version, target)
    print(shown.table(found), flush=True)
    report(version, bundle, found)
    failed = ", ".join(gate.name for gate in found if gate.failed)
    if failed:
        raise GateFailed(
            f"version {version} was not exported, because the app failed: {failed}. The limits of "
            "its weight stand in settings.toml, that of the parity in contract.toml"
        )
    print(f"version {version} is an app in {target}: copy the folder to any host of static files")
    return target


def report(version: int, bundle: Bundle, found: list[Gate]) -> None:
    """Keep size and parity of the last export, kept or refused."""
    content = {"version": version, "run_id": bundle.manifest.run_id, "gates": found}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2))
    print(f"report: {REPORT}")


def build(
    settings: Settings, bundle: Bundle, version: int, target: Path, web: Path = packages.WEB
) -> list[Gate]:
    """Write the app, move it to its place if every gate is kept; returns the gates."""
    part = web / "site.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        site.write(part, bundle, version, settings.name, web)
        found = weigh(settings, part)
        predictor = Predictor(bundle)
        near = trial.compare(predictor, part, web)
        found += same_answers(bundle.contract, near.scores)
        found.append(same_reasons(bundle.contract, near.reasons))
        if predictor.classes:
            found.append(same_decision(near.otherwise, near.scores.rows))
        if not any(gate.failed for gate in found):
            site.place(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return found


def weigh(settings: Settings, app: Path) -> list[Gate]:
    """What a visitor loads, in megabytes, against the limits of the settings."""
    parts: dict[str, list[Path]] = {"runtime": [], "model": [], "page": []}
    for name in site.listing(app):
        kind = "runtime" if name.startswith("runtime/") else "page"
        parts["model" if name == site.MODEL else kind].append(app / name)
    limits = (settings.runtime_mb, settings.model_mb, settings.page_mb)
    found = []
    for (name, files), limit in zip(parts.items(), limits, strict=True):
        weight = sum(file.stat().st_size for file in files) / MEGABYTE
        packed = sum(len(gzip.compress(file.read_bytes(), 6)) for file in files) / MEGABYTE
        note = f"{packed:.2g} where the host compresses"
        found.append(at_most(f"{name} in MB", weight, limit, note))
    return found


def same_decision(otherwise: int, rows: int) -> Gate:
    """The page decides by `[decision]` of the contract; `src/app/decide.py` must say the same."""
    note = f"of {rows} rows; the page goes by [decision] alone"
    return at_most("rows that decide.py answers otherwise", otherwise, 0, note)


def same_reasons(contract: Contract, difference: float) -> Gate:
    """What moved an answer, as the page says it; a change is between two scores, each with its
    own tolerance."""
    note = f"of what each value did to {trial.EXPLAINED} answers or fewer"
    limit = 2 * contract.gates.parity_tolerance
    return at_most("app and Python: difference of reasons", difference, limit, note)


def same_answers(contract: Contract, parity: Parity) -> list[Gate]:
    """The app's answers against Python's, with the limits of the contract."""
    limit, rows = contract.gates.parity_tolerance, contract.gates.parity_rows
    over = f"of {parity.rows} rows, with gaps and unseen values"
    return [
        at_most("app and Python: difference", parity.max_difference, limit),
        at_most("app and Python: rows over it", float(parity.rows_over), rows, over),
    ]
