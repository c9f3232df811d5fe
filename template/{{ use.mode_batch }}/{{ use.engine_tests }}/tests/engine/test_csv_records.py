"""Where records begin: the same for every way to cut the file, and what Arrow's own parser says."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.batch.input import csv_records

NAMES = ["first", "second"]


PIECES = ["a", ",", '"', '""', "\n", "\r\n", 'x"y', " "]
LINES = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def found(content: bytes, cuts: Iterable[int]) -> list[int]:
    """The starts when the content is fed in blocks."""
    finder = csv_records.RecordFinder(",")
    parts = [content[a:b] for a, b in pairwise([0, *cuts, len(content)])]
    starts = [finder.feed(part) for part in parts if part]
    return np.concatenate([*starts, finder.rest()]).tolist()


@given(LINES)
def test_cutting_the_file_changes_nothing(text: str) -> None:
    content = text.encode()
    whole = csv_records.starts(content, ",").tolist()

    assert found(content, range(1, len(content))) == whole
    for cut in range(len(content)):
        assert found(content, [cut]) == whole


@given(LINES)
def test_arrow_counts_the_same_rows(text: str) -> None:
    content = text.encode() + b"\n"
    finder = csv_records.RecordFinder(",")
    expected = len(finder.feed(content)) + len(finder.rest())
    bad = []
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(content),
            read_options=pyarrow.csv.ReadOptions(column_names=NAMES, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(
                newlines_in_values=True,
                invalid_row_handler=lambda row: bad.append(row) or "skip",
            ),
        )
    except pa.ArrowInvalid:
        return

    assert finder.is_quoted or table.num_rows + len(bad) == expected


@pytest.mark.parametrize(
    ("content", "starts"),
    [
        (b"a,b\n1,2\n", [0, 4]),
        (b"a,b\r\n\r\n\n1,2", [0, 8]),
        (b'"a\n",b\n"1""\n",2\n3,4', [0, 7, 16]),
        (b'5"x,b\n6"y,2\n', [0, 6]),
        (b'\xef\xbb\xbf"a\nb",c\n1,2\n', [0, 11]),
        (b"", []),
    ],
)
def test_quotes_breaks_and_marks(content: bytes, starts: list[int]) -> None:
    assert csv_records.starts(content, ",").tolist() == starts
