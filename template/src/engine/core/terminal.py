"""What reaches a terminal: lines that fit, names that cannot steer it, colour where there is one,
and the word that starts Python on this machine.
"""

import os
import re
import secrets
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any, Literal, TextIO, cast

LAYOUT = "\n\t"  # what a line of the terminal is made of
MOST = 100  # columns: longer lines are hard to read
MARGIN = re.compile(r"\s*(- )?")
CODES = {"good": "32", "warning": "33", "bad": "1;31"}  # SGR: green, yellow, bold red
WRITTEN = "python3 run.py"  # in every message, as in the documentation
Colour = Literal["good", "warning", "bad"]
_mark = secrets.token_hex(8)  # stands for a colour until a stream is reached; no data can know it


def say(text: str, file: TextIO | None = None, colour: Colour | None = None) -> None:
    """Print sentences: on a terminal no wider than it is, elsewhere one line each.

    The colour is for what stands before the first colon, such as `warning`.
    """
    stream = file or sys.stdout
    if isinstance(stream, _Printable):
        text, is_terminal = stream.spelled(text), stream.is_terminal
    else:
        is_terminal = stream.isatty()
    if is_terminal:
        text = fitted(text, min(shutil.get_terminal_size().columns, MOST))
    if colour:
        lead, colon, rest = text.partition(":")
        text = paint(lead + colon, colour) + rest
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


def paint(text: str, colour: Colour) -> str:
    """The text in a colour, while what is printed goes to streams that `printable` made."""
    knows = isinstance(sys.stdout, _Printable) or isinstance(sys.stderr, _Printable)
    return f"{_mark}[{CODES[colour]}m{text}{_mark}[0m" if knows else text


def printable(stream: TextIO) -> TextIO:
    """A stream that writes control characters and marks that turn the direction as they are named.

    A name such as a clearing of the screen would otherwise do what it says (CWE-150). Our own
    colours reach a terminal that shows them, and nothing else.
    """
    return cast(TextIO, _Printable(stream, has_colour(stream), python()))


def has_colour(stream: TextIO, env: Mapping[str, str] = os.environ) -> bool:
    """Whether colours are wanted there: NO_COLOR, FORCE_COLOR, else whether it is a terminal."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    knows = os.name != "nt" or "WT_SESSION" in env
    return knows and env.get("TERM") != "dumb" and stream.isatty()


def python(env: Mapping[str, str] = os.environ) -> str:
    """The word that starts Python here, as run.py found it."""
    return env.get("RUN_PYTHON") or ("python" if sys.platform == "win32" else "python3")


class _Printable:
    def __init__(self, stream: TextIO, colour: bool, name: str) -> None:
        self._stream = stream
        self._code = "\x1b[" if colour else ""
        self._command = f"{name} run.py"

    @property
    def is_terminal(self) -> bool:
        return self._stream.isatty()

    def spelled(self, text: str) -> str:
        """The text as it is going to be written, but for colours."""
        if not text.isprintable():
            rest = text.removeprefix("\r")  # there a bar is drawn over; elsewhere a name writes it
            told = (c if c.isprintable() or c in LAYOUT else ascii(c)[1:-1] for c in rest)
            text = text[: len(text) - len(rest)] + "".join(told)
        return text.replace(WRITTEN, self._command)

    def write(self, text: str) -> int:
        """Write the text; returns how many characters reached the stream."""
        text = self.spelled(text)
        return self._stream.write(self._coloured(text) if _mark in text else text)

    def _coloured(self, text: str) -> str:
        if self._code:
            return text.replace(f"{_mark}[", self._code)
        for code in (*CODES.values(), "0"):
            text = text.replace(f"{_mark}[{code}m", "")
        return text

    def isatty(self) -> bool:
        """No: whoever would write colours, which are control characters, writes plain text."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
