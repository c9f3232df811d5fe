"""The one artifact that goes everywhere: model, contract, manifest and reference sample.

A bundle is a flat folder. `manifest.json` holds the SHA-256 of every other file; the registry holds
the SHA-256 of the manifest. Nothing is used before both agree.
"""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from . import contract as contracts
from .contract import Contract
from .errors import BundleError, ContractError
from .storage import Storage

MODEL, CONTRACT, REFERENCE, MANIFEST = (
    "model.onnx",
    "contract.toml",
    "reference.parquet",
    "manifest.json",
)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the bundle is and how it came about."""

    run_id: str
    created: str
    family: str
    params: dict[str, Any]
    metrics: dict[str, float]
    fallback: list[float]
    """The baseline's answer: one probability per class, or the mean of the target."""
    baseline_mix: list[float]
    """Share of each class among the model's answers on the test rows; regression: deciles."""
    contract_fingerprint: str
    data_hash: str
    versions: dict[str, str]
    files: dict[str, str]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A verified bundle in memory."""

    contract: Contract
    manifest: Manifest
    model: bytes
    reference: bytes
    digest: str


def write(folder: Path, manifest: Manifest) -> str:
    """Complete a bundle folder with its manifest; returns the manifest's SHA-256.

    `manifest.files` is filled from what lies in the folder.
    """
    files = {name: _sha256((folder / name).read_bytes()) for name in (MODEL, CONTRACT, REFERENCE)}
    content = msgspec.json.format(
        msgspec.json.encode(msgspec.structs.replace(manifest, files=files)), indent=2
    )
    (folder / MANIFEST).write_bytes(content)
    return _sha256(content)


def load(storage: Storage, name: str, digest: str | None = None) -> Bundle:
    """Read a bundle and verify every hash before anything of it is used.

    Raises BundleError naming the file and what is wrong with it.
    """
    where = f"bundle {storage.url}/{name}"
    raw = _read(storage, name, MANIFEST, where)
    if digest is not None and _sha256(raw) != digest:
        raise BundleError(f"{where}: {MANIFEST} is not the one that was registered; {WAY_OUT}")
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{where}: {MANIFEST} is broken ({error}); {WAY_OUT}") from None
    content = {}
    for file in (MODEL, CONTRACT, REFERENCE):
        content[file] = _read(storage, name, file, where)
        if _sha256(content[file]) != manifest.files.get(file):
            raise BundleError(
                f"{where}: {file} was truncated or altered "
                f"({len(content[file])} bytes, hash differs from the manifest); {WAY_OUT}"
            )
    try:
        contract = contracts.parse(content[CONTRACT].decode(), f"{name}/{CONTRACT}")
    except (ContractError, UnicodeDecodeError) as error:
        raise BundleError(f"{where}: {error}") from None
    return Bundle(
        contract=contract,
        manifest=manifest,
        model=content[MODEL],
        reference=content[REFERENCE],
        digest=_sha256(raw),
    )


WAY_OUT = "go back to the version before with: python run.py rollback"


def _read(storage: Storage, name: str, file: str, where: str) -> bytes:
    if not storage.exists(f"{name}/{file}"):
        raise BundleError(f"{where}: {file} is missing; {WAY_OUT}")
    return storage.read(f"{name}/{file}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
