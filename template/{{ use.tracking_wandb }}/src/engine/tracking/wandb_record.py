"""Reads back what W&B wrote about a run to this disk, while no server is set.

The file holds protobuf records in blocks, each in one piece or in several. The layout is that of
LevelDB's log (doc/log_format.md there) behind a head of 7 bytes.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAGIC = b":W&B"
BLOCK, HEAD = 32768, 7
WHOLE, LAST = 1, 4  # kinds of pieces that end a record; 2 and 3 begin and continue one
Fields = dict[str, Any]


def find(folder: Path, run_id: str) -> tuple[Fields, Fields, list[str]] | None:
    """What the folder's records tell about a run; None if no record of it is complete."""
    # W&B puts a number behind a folder's name when two of a run begin in the same second.
    for file in sorted(folder.glob(f"offline-run-*/run-{run_id}.wandb")):
        if found := read(file):
            return found
    return None


def read(file: Path) -> tuple[Fields, Fields, list[str]] | None:
    """The configuration, the summary and the files of the artifact of a run.

    None for one that did not end well, such as that of a process that died.
    """
    from wandb.proto import wandb_internal_pb2

    messages: Any = wandb_internal_pb2  # made when it is imported, so nothing can be said of it
    config: Fields = {}
    summary: Fields = {}
    files: list[str] = []
    ended = False
    for content in pieces(file.read_bytes()):
        record = messages.Record.FromString(content)
        config |= _values(record.run.config.update)
        summary |= _values(record.summary.update)
        files += [entry.path for entry in record.artifact.manifest.contents]
        ended = ended or (record.HasField("exit") and record.exit.exit_code == 0)
    return (config, summary, files) if ended and files else None


def pieces(content: bytes) -> Iterator[bytes]:
    """The records of a file; what was cut off in the middle is left out."""
    if not content.startswith(MAGIC):
        return
    at, record = HEAD, b""
    while at + HEAD <= len(content):
        if (left := BLOCK - at % BLOCK) < HEAD:  # no piece begins in the last bytes of a block
            at += left
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        record += content[at + HEAD : at + HEAD + length]
        at += HEAD + length
        if kind in (WHOLE, LAST) and at <= len(content):
            yield record
            record = b""


def _values(updates: Any) -> Fields:
    return {item.key: json.loads(item.value_json) for item in updates if item.key}
