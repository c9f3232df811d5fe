"""Files by local path or by the URL of an object store: read, write whole, create once, list, copy.

What an object store needs comes with the answer artifact_store; a repository without it has paths.
"""

import errno
import importlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, cast

import fsspec

from engine.core.errors import NoRoomError, StorageError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
PART = ".part-"  # a file that is being written
LEFT_SECONDS = 3600  # after which nobody is writing it any more
ANSWERS = {"s3": "s3", "gs": "gcs"}  # scheme -> the answer that brings what it needs


class ObjectStore(Protocol):
    """The module `engine.core.object_store`."""

    SCHEME: str
    OPTIONS: Mapping[str, Any]
    """What fsspec is told to open one."""
    ERRORS: tuple[str, ...]
    """Packages whose exceptions are no OSError."""


def object_store(scheme: str) -> ObjectStore | None:
    """The object store of this repository, if URLs of this scheme are its own."""
    name = "engine.core.object_store"
    try:
        found = cast(ObjectStore, importlib.import_module(name))
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    return found if scheme == found.SCHEME else None


class Storage:
    """A folder, on this machine or in an object store."""

    def __init__(self, root: str | Path) -> None:
        scheme = str(root).partition("://")[0] if "://" in str(root) else ""
        store = object_store(scheme) if scheme else None
        if store is None and (answer := ANSWERS.get(scheme)):
            raise StorageError(
                f"{root} cannot be opened: this repository has no code for {scheme}://; "
                f"bring it in with: python3 run.py template update -d artifact_store={answer}"
            )
        self._foreign = store.ERRORS if store else ()
        try:
            self.fs: Any
            self.fs, path = fsspec.core.url_to_fs(str(root), **(store.OPTIONS if store else {}))
        except (ImportError, ValueError) as error:
            raise StorageError(
                f"{root} cannot be opened: {_one_line(error)}; use a local path, s3:// or gs://"
            ) from None
        except Exception as error:  # some look for credentials here
            raise StorageError(f"{root} cannot be opened: {_one_line(error)}") from None
        self.root, self.is_local = str(path).rstrip("/"), not scheme or scheme == "file"
        self.url = str(root).rstrip("/")

    def path(self, name: str) -> str:
        """The full path of `name` inside this storage."""
        return f"{self.root}/{name}" if name else self.root

    def exists(self, name: str) -> bool:
        """Whether a file or folder of this name is there."""
        return bool(self._call("read", name, self.fs.exists, self.path(name)))

    def is_folder(self, name: str = "") -> bool:
        """Whether it is there and can hold others."""
        return bool(self._call("read", name, self.fs.isdir, self.path(name)))

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        return bytes(self._call("read", name, self.fs.cat_file, self.path(name)))

    def read_all(self, names: Sequence[str]) -> Iterator[bytes]:
        """The contents of many files, which an object store gives at the same time.

        Those that are gone by now are left out.
        """
        paths = [self.path(name) for name in names]
        for path, content in self._call("read", "", self._cat, paths).items():
            if not isinstance(content, FileNotFoundError):
                yield bytes(self._call("read", path.rpartition("/")[2], _given, content))

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file: a reader sees the old content or the new one, never a part."""
        if self.is_local:
            self._place(name, content, Path.replace)
        else:
            self._call("write", name, self.fs.pipe_file, self.path(name), content)

    def create(self, name: str, content: bytes) -> bool:
        """Write a whole file if there is none of this name; of several writers one hears True."""
        if self.is_local:
            return self._place(name, content, _claim)
        try:
            self._call("write", name, self.fs.pipe_file, self.path(name), content, mode="create")
        except StorageError:  # also a repeated attempt whose first answer got lost
            if not self.exists(name):
                raise
        return self.read(name) == content  # not every object store knows the condition

    def list(self, name: str = "") -> list[str]:
        """Sorted names of what lies directly in a folder; empty when there is no such folder."""
        if not self.exists(name):
            return []
        found = self._call("list", name, self.fs.ls, self.path(name), detail=False, refresh=True)
        names = (str(item).rstrip("/").rpartition("/")[2] for item in found)
        return sorted(item for item in names if not item.startswith(PART))

    def upload(self, folder: Path, name: str) -> None:
        """Copy every file of a flat local folder to `name`."""
        for file in sorted(folder.iterdir()):
            self.write(f"{name}/{file.name}", file.read_bytes())

    def download(self, name: str, folder: Path) -> None:
        """Copy every file of the flat folder `name` into a local folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.list(name):
            (folder / file).write_bytes(self.read(f"{name}/{file}"))

    def remove(self, name: str) -> None:
        """Delete a file; no complaint when it is gone already."""
        if self.exists(name):
            self._call("delete", name, self.fs.rm_file, self.path(name))

    def check(self) -> None:
        """Write and delete a file, so that a store that cannot be used is found before the work."""
        name = f"{PART}{uuid.uuid4().hex}"
        self.write(name, b"")
        self.remove(name)

    def clear(self) -> None:
        """Delete from a local folder, at any depth, what killed processes left half-written."""
        if not self.is_local:
            return
        for part in Path(self.root).rglob(f"{PART}*"):
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > LEFT_SECONDS:
                    part.unlink()

    def _cat(self, paths: Sequence[str]) -> dict[str, bytes | Exception]:
        try:
            return dict(self.fs.cat(paths, on_error="return"))
        except FileNotFoundError:  # what fsspec says when all of them are gone
            return {}

    def _place(self, name: str, content: bytes, step: Callable[[Path, Path], object]) -> bool:
        """Write beside the target, then take its place in one step; False when it is taken."""
        target = Path(self.path(name))
        part = target.with_name(f"{PART}{uuid.uuid4().hex}")
        try:
            make_folder(target.parent)
            with open(part, "wb", opener=private) as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            step(part, target)
        except FileExistsError:
            if not target.is_file():
                raise StorageError(
                    f"cannot write {target}: a file is where a folder should be"
                ) from None
            return False
        except OSError as error:
            kind = NoRoomError if error.errno in NO_ROOM else StorageError
            raise kind(f"cannot write {target}: {error.strerror}") from None
        finally:
            with suppress(OSError):
                part.unlink()
        return True

    def _call(self, verb: str, name: str, function: Any, *args: Any, **options: Any) -> Any:
        if not self.is_local:
            self.fs.invalidate_cache()
        try:
            return function(*args, **options)
        except FileNotFoundError as error:
            reason = f"there is no such file or bucket ({_one_line(error)})"
        except OSError as error:
            reason = _one_line(error)
        except Exception as error:  # object stores raise their own trees, credentials included
            if type(error).__module__.partition(".")[0] not in self._foreign:
                raise
            reason = f"{_one_line(error)}; check the address and the credentials"
        raise StorageError(f"cannot {verb} {self.url}/{name}: {reason}")


def private(path: str, flags: int) -> int:
    """An `opener` of files that nobody outside the owner's group may read."""
    return os.open(path, flags, 0o640)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, that nobody outside the owner's group may enter."""
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in (*reversed(missing), path):  # a mode given beside `parents` is for the last alone
        folder.mkdir(mode=0o750, exist_ok=True)


def _claim(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with open(target, "xb", opener=private) as stream:
            stream.write(part.read_bytes())


def _given(found: bytes | Exception) -> bytes:
    if isinstance(found, Exception):
        raise found
    return found


def _one_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
