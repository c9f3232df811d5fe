"""The one artifact that goes everywhere: model, contract, manifest and reference sample.

A bundle is a flat folder. `manifest.json` holds the SHA-256 of every other file; the registry holds
the SHA-256 of the manifest. Nothing is used before both agree.
"""

from pathlib import Path
from typing import Any

import msgspec

from engine.contract.read import parse_contract
from engine.contract.schema import Contract
from engine.core.errors import BundleError, ContractError
from engine.core.storage import Storage
from engine.registry import sealed

MODEL, CONTRACT, REFERENCE = "model.onnx", "contract.toml", "reference.parquet"


class Manifest(sealed.Manifest, frozen=True, kw_only=True):
    """What the bundle is and how it came about."""

    params: dict[str, Any]
    metrics: dict[str, float]
    fallback: list[float]
    """The baseline's answer: one probability per class, or the mean of the target."""
    baseline_mix: list[float]
    """Share of each class among the model's answers on the test rows; regression: deciles."""
    threshold: float | None = None
    """From which probability on the positive class is answered; None: the most probable class."""
    typical: dict[str, Any] = msgspec.field(default_factory=dict)
    """The typical value of each feature in the training rows; personal columns have none."""
    typical_rows: int = 0
    """How many rows they were taken from."""
    contract_fingerprint: str
    data_hash: str
    versions: dict[str, str]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A verified bundle in memory."""

    contract: Contract
    """As it is in the bundle, with the threshold that training chose."""
    manifest: Manifest
    model: bytes
    reference: bytes
    digest: str


def write_bundle(folder: Path, manifest: Manifest) -> str:
    """Complete a bundle folder with its manifest; returns the manifest's SHA-256."""
    return sealed.seal(folder, manifest)


def load_bundle(storage: Storage, name: str, digest: str | None = None) -> Bundle:
    """Read a bundle and verify every hash before anything of it is used.

    Raises BundleError naming the file and what is wrong with it.
    """
    found, where = sealed.open_sealed(storage, name, digest), sealed.place(storage, name)
    for file in (MODEL, CONTRACT, REFERENCE):
        if file not in found.files:
            raise BundleError(f"{where}: {file} is missing; {sealed.WAY_OUT}")
    try:
        manifest = msgspec.json.decode(found.manifest, type=Manifest)
        contract = parse_contract(found.files[CONTRACT].decode(), f"{name}/{CONTRACT}")
    except (msgspec.DecodeError, ContractError, UnicodeDecodeError) as error:
        raise BundleError(f"{where}: {error}") from None
    return Bundle(
        contract=contract.decided(manifest.threshold),
        manifest=manifest,
        model=found.files[MODEL],
        reference=found.files[REFERENCE],
        digest=found.digest,
    )
