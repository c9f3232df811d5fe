"""A bundle that holds one word."""

from pathlib import Path

import msgspec

from engine.core.storage import Storage
from engine.registry import sealed
from engine.registry.sealed import Manifest

WORD = "word.txt"


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A verified bundle in memory."""

    manifest: Manifest
    word: str
    digest: str


def write_bundle(folder: Path, manifest: Manifest) -> str:
    """Complete a bundle folder; returns the manifest's SHA-256."""
    return sealed.seal(folder, manifest)


def load_bundle(storage: Storage, name: str, digest: str | None = None) -> Bundle:
    """Read a bundle, verified."""
    found = sealed.open_sealed(storage, name, digest)
    manifest = msgspec.json.decode(found.manifest, type=Manifest)
    return Bundle(manifest=manifest, word=found.files[WORD].decode(), digest=found.digest)
