"""Where the records of a CSV file begin, found block by block without holding the file.

A quote counts only at the beginning of a value, as Arrow reads it; a line break inside quotes ends
no record, and blank lines are none.
"""

import numpy as np
from numpy.typing import NDArray

QUOTE, LINE_FEED, RETURN = b'"\n\r'
MARK = b"\xef\xbb\xbf"  # the byte order mark that some tools put before UTF-8


class RecordFinder:
    """Feed it a file in blocks; `starts` of each block are the records that it completes."""

    def __init__(self, separator: str) -> None:
        self._opens = np.array([ord(separator), LINE_FEED, RETURN], dtype=np.uint8)
        self._inside = False  # a quoted value goes on
        self._reopens = False  # the last byte was a quote that closed: another one is an escape
        self._before = LINE_FEED
        self._start = self._offset = 0

    @property
    def is_quoted(self) -> bool:
        """Whether the file, as far as it was fed, ends inside quotes."""
        return self._inside

    @property
    def unfinished(self) -> int:
        """How many bytes the record has so far that the end of the last block cut."""
        return self._offset - self._start

    def feed(self, block: bytes) -> NDArray[np.int64]:
        """Offsets in the file at which the records begin that end in this block."""
        array = np.frombuffer(block, dtype=np.uint8)
        before = np.concatenate([[np.uint8(self._before)], array[:-1]])
        if self._offset == 0 and block.startswith(MARK):
            before[3:4] = LINE_FEED
        quotes = self._real_quotes(np.flatnonzero(array == QUOTE), before)
        breaks = np.flatnonzero(array == LINE_FEED)
        if len(quotes) or self._inside:
            breaks = breaks[(np.searchsorted(quotes, breaks) + self._inside) % 2 == 0]
        ends = breaks + self._offset
        starts = np.concatenate([[self._start], ends[:-1] + 1]) if len(ends) else ends
        length = ends - starts
        blank = (length == 0) | ((length == 1) & (before[breaks] == RETURN))
        self._inside ^= bool(len(quotes) % 2)
        self._reopens = bool(len(quotes) and quotes[-1] == len(array) - 1 and not self._inside)
        self._before = int(array[-1])
        self._offset += len(array)
        self._start = int(ends[-1]) + 1 if len(ends) else self._start
        found: NDArray[np.int64] = starts[~blank]
        return found

    def rest(self) -> NDArray[np.int64]:
        """The record that the end of the file ends, when its last line has no break."""
        length = self._offset - self._start
        is_blank = length == 0 or (length == 1 and self._before == RETURN)
        return np.array([] if is_blank else [self._start], dtype=np.int64)

    def _real_quotes(
        self, quotes: NDArray[np.int64], before: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """The quotes that open or close; others stand in the middle of a value and mean nothing."""
        opening = quotes[int(self._inside) :: 2]
        escaped = np.zeros(len(before), dtype=bool)
        escaped[quotes[quotes + 1 < len(before)] + 1] = True
        escaped[0] = self._reopens
        if np.all(np.isin(before[opening], self._opens) | escaped[opening]):
            return quotes
        kept: list[int] = []
        inside, reopens = self._inside, self._reopens
        last = -1 if reopens else -2
        for place in quotes.tolist():
            if inside or last == place - 1 or before[place] in self._opens:
                kept.append(place)
                inside, last = not inside, place
        return np.array(kept, dtype=np.int64)


def starts(content: bytes, separator: str) -> NDArray[np.int64]:
    """Where each record of the content begins."""
    finder = RecordFinder(separator)
    found = [finder.feed(content)] if content else []
    return np.concatenate([*found, finder.rest()])
