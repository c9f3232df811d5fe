"""What reaches a terminal: names that cannot steer it, colour where there is one, and the word
that starts Python on this machine.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO, cast

LAYOUT = "\n\r\t"  # what a line of the terminal is made of
CODES = {"good": "32", "warning": "33", "bad": "1;31"}  # SGR: green, yellow, bold red
WRITTEN = "python3 run.py"  # in every message, as in the documentation
_mark = secrets.token_hex(8)  # stands for a colour until a stream is reached; no data can know it


def paint(text: str, colour: Literal["good", "warning", "bad"]) -> str:
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

    def write(self, text: str) -> int:
        """Write the text; returns how many characters reached the stream."""
        if not text.isprintable():
            text = "".join(c if c.isprintable() or c in LAYOUT else ascii(c)[1:-1] for c in text)
        if _mark in text:
            text = self._coloured(text)
        return self._stream.write(text.replace(WRITTEN, self._command))

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
