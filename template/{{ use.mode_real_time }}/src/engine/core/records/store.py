"""Records in an object store: what came together is one object, which is never written again.

Objects are `KIND-YYYYMMDD/HHMMSS.ffffff-WRITER-NUMBER.jsonl`: they sort by time, and no two
processes share a WRITER. Nothing here deletes old ones: that is a rule of the bucket.
"""

import errno
import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.core.errors import StorageError
from engine.core.storage import Storage

encode_lines = msgspec.json.Encoder().encode_lines


class Store:
    """A folder of a bucket, for the records of any number of servers."""

    seconds = 5.0  # each write is a request, and is paid for

    def __init__(self, url: str) -> None:
        self.name = url
        self._storage = Storage(url)
        self._writer, self._numbers = uuid.uuid4().hex[:12], itertools.count()

    def encode(self, kind: str, records: list[dict[str, Any]]) -> bytes:
        """The name of the object says the kind."""
        del kind
        return encode_lines(records)

    def write(self, kind: str, text: bytes, *, is_safe: bool) -> None:
        """Write one object; when this returns, the store has it, whatever `is_safe` asks for.

        Raises OSError when the store did not say that it has it.
        """
        del is_safe
        now = datetime.now(UTC)
        number = f"{now:%H%M%S.%f}-{self._writer}-{next(self._numbers):06}"
        try:
            self._storage.write(f"{kind}-{now:%Y%m%d}/{number}.jsonl", text)
        except StorageError as error:  # its text names the address, which is nobody else's business
            raise OSError(errno.EIO, "the object store does not take them") from error
