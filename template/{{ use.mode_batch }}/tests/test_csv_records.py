"""Where records begin: the same for every way to cut the file, and what Arrow's own parser says."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .conftest import csv_records

NAMES = ["first", "second"]


def found(content: bytes, cuts: list[int]) -> list[int]:
    """The starts when the content is fed in blocks."""
    finder = csv_records.RecordFinder(",")
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    parts = [content[a:b] for a, b in pairwise(places)]
    starts = [finder.feed(part) for part in parts if part]
    return np.concatenate([*starts, finder.rest()]).tolist()


@given(st.text('ab,"\n\r', max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_cutting_the_file_changes_nothing(text: str, cuts: list[int]) -> None:
    content = text.encode()

    assert found(content, cuts) == csv_records.starts(content, ",").tolist()


@given(st.lists(st.sampled_from(["a", ",", '"', '""', "\n", "\r\n", 'x"y', " "]), max_size=25))
def test_arrow_counts_the_same_rows(pieces: list[str]) -> None:
    content = "".join(pieces).encode() + b"\n"
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
