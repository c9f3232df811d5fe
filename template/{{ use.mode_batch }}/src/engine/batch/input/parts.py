"""The parts of an input: the same for the same file, so that a finished one is never done twice."""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from engine.batch.input.csv_records import RecordFinder
from engine.batch.input.file import InputFile
from engine.contract.schema import Dataset
from engine.core.errors import DataError
from engine.data.read import as_utf8, holds_ascii

FIRST_ROW = 2  # rows of a CSV file are numbered as in the file, whose header is row 1;
FIRST_INDEX = 0  # those of a Parquet file as whoever reads it finds them, by their index
BLOCK = 1 << 23
LARGEST_RECORD = 1 << 26


class Part(msgspec.Struct, frozen=True):
    """A run of rows: bytes of a CSV file, or row groups of a Parquet file."""

    number: int
    first_row: int
    rows: int
    start: int
    end: int
    is_unclosed: bool = False
    """Whether its last record opens a quote that nothing closes."""


class Layout(msgspec.Struct, frozen=True):
    """What a file holds, seen in one pass that keeps nothing of it."""

    digest: str
    names: tuple[str, ...]
    parts: tuple[Part, ...]
    is_parquet: bool

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return sum(part.rows for part in self.parts)


def divide(file: InputFile, dataset: Dataset, part_rows: int) -> Layout:
    """Read a file once: its SHA-256, its columns and its parts of about `part_rows` rows.

    Raises DataError when it is neither CSV nor Parquet, or has two columns of one name.
    """
    with file.open() as stream:
        is_parquet = stream.read(4) == b"PAR1"
    found = _parquet(file, part_rows) if is_parquet else _csv(file, dataset, part_rows)
    names = found.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"{file.url} has more than one column named {', '.join(map(repr, twice))}; rename them"
        )
    return found


def _parquet(file: InputFile, part_rows: int) -> Layout:
    digest = hashlib.sha256()
    for block in _blocks(file):
        digest.update(block)
    with file.parquet() as opened:
        metadata = opened.metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        names = tuple(opened.schema_arrow.names)
    parts: list[Part] = []
    start, rows, first = 0, 0, FIRST_INDEX
    for group, size in enumerate(sizes):
        if rows and rows + size > part_rows:
            parts.append(Part(len(parts), first, rows, start, group))
            start, rows, first = group, 0, first + rows
        rows += size
    if rows:
        parts.append(Part(len(parts), first, rows, start, len(sizes)))
    return Layout(digest.hexdigest(), names, tuple(parts), is_parquet=True)


def _csv(file: InputFile, dataset: Dataset, part_rows: int) -> Layout:
    if not holds_ascii(dataset.encoding):
        raise DataError(
            f"{file.url} cannot be read in pieces, because dataset.encoding is "
            f"{dataset.encoding!r}, which writes a comma otherwise than ASCII; save the file, and "
            "the data that the contract names, as UTF-8. Nothing was written"
        )
    digest, finder = hashlib.sha256(), RecordFinder(dataset.separator)
    cuts: list[int] = []  # where the header's record begins, then every part
    count = size = 0
    for block in _blocks(file):
        digest.update(block)
        begins = finder.feed(block)
        size += len(block)
        cuts += _cuts(begins, count, part_rows)
        count += len(begins)
        if finder.unfinished > LARGEST_RECORD:
            raise DataError(
                f"{file.url}: row {count + 1} is longer than {LARGEST_RECORD >> 20} MB; a quote "
                "that nothing closes is the usual cause. Nothing was written"
            )
    begins = finder.rest()
    cuts += _cuts(begins, count, part_rows)
    count += len(begins)
    if not count:
        raise DataError(f"{file.url} is empty; a header and rows are needed. Nothing was written")
    ends = [*cuts[2:], size]
    rows = [part_rows] * (len(cuts) - 2) + [(count - 2) % part_rows + 1] if count > 1 else []
    parts = [
        Part(i, FIRST_ROW + i * part_rows, n, cuts[i + 1], ends[i]) for i, n in enumerate(rows)
    ]
    if finder.is_quoted and parts:
        parts[-1] = msgspec.structs.replace(parts[-1], is_unclosed=True)
    header = file.part(cuts[0], cuts[1] if len(cuts) > 1 else size)
    return Layout(digest.hexdigest(), _names(file, header, dataset), tuple(parts), False)


def _cuts(begins: Any, count: int, part_rows: int) -> list[int]:
    """Of the records numbered from `count`: the header (0), and the first row of every part."""
    numbers = np.arange(count, count + len(begins))
    found: list[int] = begins[(numbers == 0) | (numbers % part_rows == 1 % part_rows)].tolist()
    return found


def _names(file: InputFile, header: bytes, dataset: Dataset) -> tuple[str, ...]:
    parse = pyarrow.csv.ParseOptions(delimiter=dataset.separator, newlines_in_values=True)
    try:
        header = as_utf8(header, dataset.encoding)
        opened = pyarrow.csv.open_csv(
            pa.BufferReader(header.rstrip(b"\r\n") + b"\n"),
            read_options=pyarrow.csv.ReadOptions(block_size=2 * len(header) + 2),
            parse_options=parse,
        )
    except (pa.ArrowException, UnicodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{file.url} cannot be read: its header is broken ({reason})") from None
    return tuple(opened.schema.names)


def _blocks(file: InputFile) -> Iterator[bytes]:
    with file.open() as stream:
        while block := stream.read(BLOCK):
            yield block
