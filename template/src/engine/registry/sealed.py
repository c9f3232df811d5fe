"""A flat folder whose every file is vouched for: its manifest holds the SHA-256 of each.

Whoever keeps the SHA-256 of the manifest can tell that nothing was lost or altered.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.core.errors import BundleError
from engine.core.storage import Storage

MANIFEST = "manifest.json"
WAY_OUT = "go back to the version before with: python3 run.py rollback"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What every bundle says of itself; `files` holds the hash of each by name."""

    run_id: str
    created: str
    family: str
    files: dict[str, str] = {}


class Sealed(NamedTuple):
    """A folder that was read and verified."""

    manifest: bytes
    files: dict[str, bytes]
    digest: str
    """The SHA-256 of the manifest."""


def seal(folder: Path, manifest: Manifest) -> str:
    """Complete a folder with its manifest; returns the manifest's SHA-256."""
    files = {
        path.name: sha256(path.read_bytes())
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    content = msgspec.json.format(
        msgspec.json.encode(msgspec.structs.replace(manifest, files=files)), indent=2
    )
    (folder / MANIFEST).write_bytes(content)
    return sha256(content)


def open_sealed(storage: Storage, name: str, digest: str | None = None) -> Sealed:
    """Read a folder and verify every hash before anything of it is used.

    Raises BundleError naming the file and what is wrong with it.
    """
    where = place(storage, name)
    raw = _read(storage, name, MANIFEST, where)
    if digest is not None and sha256(raw) != digest:
        raise BundleError(f"{where}: {MANIFEST} is not the one that was registered; {WAY_OUT}")
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{where}: {MANIFEST} is broken ({error}); {WAY_OUT}") from None
    content = {}
    for file, known in manifest.files.items():
        content[file] = _read(storage, name, file, where)
        if sha256(content[file]) != known:
            raise BundleError(
                f"{where}: {file} was truncated or altered "
                f"({len(content[file])} bytes, hash differs from the manifest); {WAY_OUT}"
            )
    return Sealed(raw, content, sha256(raw))


def place(storage: Storage, name: str) -> str:
    """Where a bundle lies, for messages."""
    return f"bundle {storage.url}/{name}"


def sha256(content: bytes) -> str:
    """The hash that vouches for a file."""
    return hashlib.sha256(content).hexdigest()


def _read(storage: Storage, name: str, file: str, where: str) -> bytes:
    if not storage.exists(f"{name}/{file}"):
        raise BundleError(f"{where}: {file} is missing; {WAY_OUT}")
    return storage.read(f"{name}/{file}")
