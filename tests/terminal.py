"""A terminal of 80 columns and 24 rows: a real program, and what a person sees of it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pexpect
import pyte

ENTER, DOWN, UP, CTRL_C = "\r", "\x1b[B", "\x1b[A", "\x03"
COLUMNS, ROWS = 80, 24


class Answering(pyte.HistoryScreen):
    """A screen that answers when it is asked where its cursor stands, as terminals do."""

    child: Any = None

    def write_process_input(self, data: str) -> None:
        """What the terminal says to the program."""
        self.child.send(data)


class Terminal:
    """One program in a terminal."""

    def __init__(self, call: Sequence[str], folder: Path, **environment: str) -> None:
        self.screen = Answering(COLUMNS, ROWS, history=1000)
        self.stream = pyte.Stream(self.screen)
        self.child = pexpect.spawn(
            call[0],
            [*call[1:]],
            cwd=str(folder),
            env=os.environ | {"TERM": "xterm-256color"} | environment,
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
        )
        self.child.delaybeforesend = None
        self.screen.child = self.child

    def read(self, quiet: float = 0.3, most: float = 90) -> bool:
        """Take in what the program shows, until it is quiet; whether it goes on."""
        end, last = time.monotonic() + most, time.monotonic()
        while time.monotonic() < end:
            try:
                self.stream.feed(self.child.read_nonblocking(65536, 0.05))
                last = time.monotonic()
            except pexpect.TIMEOUT:
                if time.monotonic() - last > quiet:
                    return True
            except pexpect.EOF:
                return False
        return True

    def see(self, text: str, most: float = 90) -> list[str]:
        """The lines of the screen, once the text is on it and the program waits."""
        end = time.monotonic() + most
        while True:
            goes_on = self.read()
            lines = self.lines()
            if text in "\n".join(lines):
                return lines
            assert goes_on, f"it ended without {text!r}:\n" + "\n".join(self.lines())
            assert time.monotonic() < end, f"no {text!r} on:\n" + "\n".join(self.lines())

    def lines(self) -> list[str]:
        """What is on the screen, without blanks at the ends of lines."""
        return [line.rstrip() for line in self.screen.display]

    def everything(self) -> list[str]:
        """What was ever printed: what has scrolled off, then the screen."""
        gone = (
            "".join(row[x].data for x in range(COLUMNS)).rstrip() for row in self.screen.history.top
        )
        return [*gone, *self.lines()]

    def type(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self.child.send(key)

    def end(self, most: float = 90) -> int:
        """Wait for the end of the program; its code."""
        end = time.monotonic() + most
        while self.read():
            assert time.monotonic() < end, "it goes on:\n" + "\n".join(self.lines())
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -1)
