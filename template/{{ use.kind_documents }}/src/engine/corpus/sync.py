"""Bringing a folder of documents into the corpus, by what their files hold."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from engine.contract.app import Source
from engine.contract.schema import Contract
from engine.core.errors import DataError
from engine.corpus.document import Document, Unread
from engine.corpus.load import read


class Changes(NamedTuple):
    """What became of each file."""

    added: list[str]
    changed: list[str]
    same: list[str]
    removed: list[str]
    unread: list[Unread]
    skipped: list[str]
    """Files of formats that are not read."""
    documents: list[Document]
    """Those that are new or changed."""


def add(folder: Path, contract: Contract, *, replace: bool = False) -> Changes:
    """Copy what is new or changed into the corpus; with `replace` also remove what is not there.

    A file that cannot be read leaves what the corpus had of that name. Raises DataError when there
    is no such folder, the corpus and it lie in each other, or nothing would be left.
    """
    target = Path(contract.corpus.folder)
    _require_apart(folder, target)
    known = {path.relative_to(target).as_posix(): path for path in _files(target)}
    left = dict(known) if replace else {}
    found = Changes([], [], [], [], [], [], [])
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if not contract.takes(name):
            found.skipped.append(name)
            continue
        left.pop(name, None)
        old = known.get(name)
        if old and _is_same(old, path):
            found.same.append(name)
            continue
        document = read(Source(name, path), contract)
        if isinstance(document, Unread):
            found.unread.append(document)
            continue
        (found.changed if old else found.added).append(name)
        found.documents.append(document)
        _copy(path, target / name)
    if replace and not (found.added or found.changed or found.same):
        unread = f"; {len(found.unread)} files cannot be read" if found.unread else ""
        raise DataError(
            f"{folder} holds no document that can be read{unread}: with --replace the corpus would "
            "be empty. Nothing was removed; `corpus remove NAME` takes single documents out"
        )
    for name, path in left.items():
        if contract.takes(name):
            path.unlink()
            found.removed.append(name)
    return found


def remove(names: list[str], contract: Contract) -> list[str]:
    """Delete documents by their names; returns them.

    Raises DataError naming the first that is not there; none is deleted then.
    """
    target = Path(contract.corpus.folder).resolve()
    paths = [(target / name).resolve() for name in names]
    for name, path in zip(names, paths, strict=True):
        if not path.is_relative_to(target) or not path.is_file():
            raise DataError(f"{name}: there is no such document in {contract.corpus.folder}/")
    for path in paths:
        path.unlink()
    return names


def _files(folder: Path) -> list[Path]:
    """Files below a folder, but for hidden ones; links are not followed out of it."""
    found = list[Path]()
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, n) for n in sorted(names) if not n.startswith(".")]
    return [path for path in found if path.is_file() and not path.is_symlink()]


def _is_same(one: Path, other: Path) -> bool:
    """Whether two files hold the same, by their hashes."""
    if one.stat().st_size != other.stat().st_size:
        return False
    first, second = (hashlib.sha256(path.read_bytes()).digest() for path in (one, other))
    return first == second


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part-{target.name}")
    part.write_bytes(source.read_bytes())
    part.replace(target)


def _require_apart(folder: Path, target: Path) -> None:
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; corpus add takes the folder of your documents")
    here, there = folder.resolve(), target.resolve()
    if here == there or here.is_relative_to(there) or there.is_relative_to(here):
        raise DataError(
            f"{folder} and the corpus {target} lie in each other; edit the files of the corpus in "
            "place, then: python3 run.py up"
        )
