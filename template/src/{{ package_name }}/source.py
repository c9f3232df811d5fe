"""The bytes of a table by path or URL, without the libraries that understand them."""

import hashlib

from .errors import DataError
from .storage import Storage


def content(source: str) -> bytes:
    """The whole file.

    Raises DataError with the way out when there is none.
    """
    folder, slash, name = source.replace("\\", "/").rpartition("/")
    storage = Storage(folder or ("/" if slash else "."))
    if not storage.exists(name):
        raise DataError(
            f"{source} does not exist; name a file with dataset.source in contract.toml, "
            "or take your own with: python run.py contract infer FILE --target COLUMN"
        )
    return storage.read(name)


def file_hash(source: str) -> str:
    """The SHA-256 of a file, as run records hold it."""
    return hashlib.sha256(content(source)).hexdigest()
