"""Files by local path or by URL (s3://, gs://): read, write whole, list, copy folders."""

import os
import uuid
from pathlib import Path
from typing import Any

import fsspec

from .errors import StorageError

PACKAGES = {"s3": "s3", "gs": "gcs"}  # scheme -> the answer that brings its package


class Storage:
    """A folder, on this machine or in an object store."""

    def __init__(self, root: str | Path) -> None:
        scheme = str(root).partition("://")[0] if "://" in str(root) else ""
        try:
            self.fs: Any
            self.fs, path = fsspec.core.url_to_fs(str(root))
        except (ImportError, ValueError) as error:
            answer = PACKAGES.get(scheme)
            way = (
                f"the package for it is not installed; run: copier update -d artifact_store={answer}"
                if answer
                else "use a local path, s3:// or gs://"
            )
            raise StorageError(f"{root} cannot be opened: {way} ({error})") from None
        self.root, self.is_local = str(path).rstrip("/"), not scheme or scheme == "file"
        self.url = str(root).rstrip("/")

    def path(self, name: str) -> str:
        """The full path of `name` inside this storage."""
        return f"{self.root}/{name}" if name else self.root

    def exists(self, name: str) -> bool:
        """Whether a file or folder of this name is there."""
        return bool(self._call("read", name, self.fs.exists, self.path(name)))

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        return bytes(self._call("read", name, self.fs.cat_file, self.path(name)))

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file: a reader sees the old content or the new one, never a part."""
        if not self.is_local:
            self._call("write", name, self.fs.pipe_file, self.path(name), content)
            return
        target = Path(self.path(name))
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StorageError(f"{target} cannot be written: {error.strerror}") from None

    def create(self, name: str, content: bytes) -> bool:
        """Write a file only if there is none of this name; says whether it did."""
        if not self.is_local:
            try:
                self.fs.pipe_file(self.path(name), content, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                raise StorageError(f"{self.url}/{name} cannot be written: {error}") from None
            return True
        target = Path(self.path(name))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.write(content)
        except FileExistsError:
            return False
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror}") from None
        return True

    def list(self, name: str = "") -> list[str]:
        """Sorted names of what lies directly in a folder; empty when there is no such folder."""
        if not self.exists(name):
            return []
        found = self._call("list", name, self.fs.ls, self.path(name), detail=False, refresh=True)
        return sorted(str(item).rstrip("/").rpartition("/")[2] for item in found)

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

    def _call(self, verb: str, name: str, function: Any, *args: Any, **options: Any) -> Any:
        if not self.is_local:
            self.fs.invalidate_cache()
        try:
            return function(*args, **options)
        except OSError as error:
            raise StorageError(f"cannot {verb} {self.url}/{name}: {error}") from None
        except Exception as error:  # object stores raise their own trees, credentials included
            if type(error).__module__.split(".")[0] in ("botocore", "gcsfs", "google"):
                raise StorageError(f"cannot {verb} {self.url}/{name}: {error}") from None
            raise
