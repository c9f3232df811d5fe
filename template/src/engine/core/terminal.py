"""What a command says: characters that cannot steer a terminal, and lines that fit its width."""

import re
import shutil
import sys
import textwrap
from typing import Any, TextIO

LAYOUT = "\n\r\t"  # what a line of the terminal is made of
MOST = 100  # columns: longer lines are hard to read
MARGIN = re.compile(r"\s*(- )?")


def say(text: str, file: TextIO | None = None) -> None:
    """Print sentences: on a terminal no wider than it is, elsewhere one line each."""
    stream = file or sys.stdout
    terminal = stream.stream if isinstance(stream, Printable) else stream
    if terminal.isatty():
        text = fitted(text, min(shutil.get_terminal_size().columns, MOST))
    print(text, file=stream)


def fitted(text: str, width: int) -> str:
    """Each line broken into lines of at most `width` columns that begin where its words begin.

    A word that is longer, such as a path, stays whole.
    """
    return "\n".join(
        line
        if len(line) <= width
        else textwrap.fill(
            line,
            width,
            subsequent_indent=" " * len(MARGIN.match(line)[0]),  # type: ignore[index]
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )


class Printable:
    """A stream that writes control characters and marks that turn the direction as they are named.

    A name such as a clearing of the screen would otherwise do what it says (CWE-150).
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the text; returns how many characters reached the stream."""
        if not text.isprintable():
            text = "".join(c if c.isprintable() or c in LAYOUT else ascii(c)[1:-1] for c in text)
        return self.stream.write(text)

    def isatty(self) -> bool:
        """No: whoever would write colours, which are control characters, writes plain text."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
