"""The one artifact that is served: the index, what encodes a question, prompt and contract.

A bundle is a flat folder. `manifest.json` holds the SHA-256 of every other file; the registry holds
the SHA-256 of the manifest. Nothing is used before both agree.
"""

from pathlib import Path

import msgspec

from engine.contract.read import parse_contract
from engine.contract.schema import Contract
from engine.core.errors import BundleError, ContractError
from engine.core.storage import Storage
from engine.registry import sealed

INDEX, CONTRACT, PROMPT = "index.sqlite", "contract.toml", "prompt.md"


class Manifest(sealed.Manifest, frozen=True, kw_only=True):
    """What the bundle is and how it came about."""

    documents: int
    passages: int
    metrics: dict[str, float]
    examples: list[str] = msgspec.field(default_factory=list)
    """Questions that it answers, for a page to offer."""
    typical: dict[str, list[float]] = msgspec.field(default_factory=dict)
    """Deciles of what the search said of the dev questions that have an answer, for monitoring."""
    contract_fingerprint: str
    corpus_hash: str
    prompt_version: str
    versions: dict[str, str]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A verified bundle in memory."""

    contract: Contract
    manifest: Manifest
    files: dict[str, bytes]
    digest: str


def write_bundle(folder: Path, manifest: Manifest) -> str:
    """Complete a bundle folder with its manifest; returns the manifest's SHA-256."""
    return sealed.seal(folder, manifest)


def load_bundle(storage: Storage, name: str, digest: str | None = None) -> Bundle:
    """Read a bundle and verify every hash before anything of it is used.

    Raises BundleError naming the file and what is wrong with it.
    """
    found, where = sealed.open_sealed(storage, name, digest), sealed.place(storage, name)
    for file in (INDEX, CONTRACT, PROMPT):
        if file not in found.files:
            raise BundleError(f"{where}: {file} is missing; {sealed.WAY_OUT}")
    try:
        manifest = msgspec.json.decode(found.manifest, type=Manifest)
        contract = parse_contract(found.files[CONTRACT].decode(), f"{name}/{CONTRACT}")
    except (msgspec.DecodeError, ContractError, UnicodeDecodeError) as error:
        raise BundleError(f"{where}: {error}") from None
    return Bundle(contract=contract, manifest=manifest, files=found.files, digest=found.digest)
