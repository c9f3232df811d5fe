"""The rows of a part as numbered Arrow batches; a line that is no row comes as a fault."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from engine.batch.input.csv_records import starts
from engine.batch.input.file import InputFile
from engine.batch.input.parts import Layout, Part
from engine.contract.schema import Dataset
from engine.core.errors import DataError
from engine.data.read import as_utf8

BATCH = 65_536  # rows; measured as the cheapest, and a part of any size takes no more memory


@dataclass
class Batch:
    """Rows with their numbers, and the faults of lines that could not become rows."""

    rows: pa.RecordBatch
    numbers: NDArray[np.int64]
    faults: dict[int, str] = field(default_factory=dict)


def read(
    file: InputFile, layout: Layout, part: Part, columns: list[str], dataset: Dataset
) -> Iterator[Batch]:
    """The rows of a part, only these columns of them; CSV as text, Parquet with its own types."""
    if layout.is_parquet:
        yield from _parquet(file, part, columns)
    else:
        content = file.part(part.start, part.end)
        yield from _csv(content, layout.names, part, columns, dataset)


def _parquet(file: InputFile, part: Part, columns: list[str]) -> Iterator[Batch]:
    with file.parquet() as opened:
        schema = opened.schema_arrow
        text = tuple(n for n in columns if pa.types.is_string(schema.field(n).type))
    first = part.first_row
    groups = list(range(part.start, part.end))
    with file.open() as stream:
        opened = pyarrow.parquet.ParquetFile(stream, read_dictionary=list(text))
        batches = opened.iter_batches(BATCH, groups, columns, use_threads=False)
        while rows := _next(batches, file, part):
            yield Batch(rows, np.arange(first, first + rows.num_rows))
            first += rows.num_rows


def _next(batches: Iterator[Any], file: InputFile, part: Part) -> Any:
    """The next rows, or None; a part that is broken is named by its row group."""
    try:
        return next(batches, None)
    except (pa.ArrowException, OSError) as error:
        why = file.broken_group(part.start, part.end) or str(error).splitlines()[0]
        raise DataError(f"{file.url} cannot be read: {why}") from None


def _csv(
    content: bytes, names: tuple[str, ...], part: Part, columns: list[str], dataset: Dataset
) -> Iterator[Batch]:
    reader = _Csv(content, names, columns, dataset)
    last = part.first_row + part.rows - 1
    for batch in reader.batches(0, part.rows):
        batch.numbers = batch.numbers + part.first_row
        batch.faults = {part.first_row + at: why for at, why in batch.faults.items()}
        if part.is_unclosed and len(batch.numbers) and batch.numbers[-1] == last:
            batch.rows, batch.numbers = (
                batch.rows.slice(0, len(batch.numbers) - 1),
                batch.numbers[:-1],
            )
            batch.faults[last] = "opens a quote that nothing closes"
        yield batch


class _Csv:
    """The records of a part. One that breaks the parser is found by halving and becomes a fault."""

    def __init__(
        self, content: bytes, names: tuple[str, ...], columns: list[str], dataset: Dataset
    ) -> None:
        self._content, self._names, self._encoding = content, list(names), dataset.encoding
        self._begins = np.append(starts(content, dataset.separator), len(content))
        self._parse = pyarrow.csv.ParseOptions(delimiter=dataset.separator, newlines_in_values=True)
        self._convert = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=columns,
            strings_can_be_null=False,
        )

    def batches(self, first: int, last: int) -> Iterator[Batch]:
        """The records from `first` up to `last`, numbered within the part."""
        for begin in range(first, last, BATCH):
            yield from self._try(begin, min(begin + BATCH, last))

    def _try(self, first: int, last: int) -> Iterator[Batch]:
        try:
            batch = self._read(first, last)
        except (pa.ArrowInvalid, UnicodeError) as error:
            if last - first > 1:
                middle = (first + last) // 2
                yield from self._try(first, middle)
                yield from self._try(middle, last)
                return
            batch = self._fault(first, error)
        yield batch

    def _read(self, first: int, last: int) -> Batch:
        raw = self._content[self._begins[first] : self._begins[last]]
        content = as_utf8(raw, self._encoding)
        faults: dict[int, str] = {}

        def note(row: Any) -> str:
            faults[first + row.number - 1] = (
                f"has {row.actual_columns} values, but the header has {row.expected_columns}"
            )
            return "skip"

        self._parse.invalid_row_handler = note
        table = pyarrow.csv.read_csv(
            pa.py_buffer(content),
            read_options=pyarrow.csv.ReadOptions(
                column_names=self._names, block_size=len(content) + 1, use_threads=False
            ),
            parse_options=self._parse,
            convert_options=self._convert,
        )
        numbers = np.setdiff1d(np.arange(first, last), list(faults), assume_unique=True)
        if table.num_rows != len(numbers):
            raise pa.ArrowInvalid("it cannot be read as one row")
        rows = table.combine_chunks().to_batches()
        empty = pa.RecordBatch.from_pylist([], schema=table.schema)
        return Batch(rows[0] if rows else empty, numbers, faults)

    def _fault(self, number: int, error: Exception) -> Batch:
        words = str(error).splitlines()[0]
        is_strange = isinstance(error, UnicodeError) or "utf8" in words.lower().replace("-", "")
        reason = f"is not {self._encoding.upper()}" if is_strange else words
        columns = {name: pa.array([], pa.string()) for name in self._convert.include_columns}
        return Batch(
            pa.RecordBatch.from_pydict(columns), np.array([], dtype=np.int64), {number: reason}
        )
