"""Sentences fit the terminal; what is no terminal gets each of them on one line."""

import io
from typing import Any

import pytest

from engine.core.errors import DataError, shown
from engine.core.terminal import MOST, say

TEXT = "columns:\n  - 'first': " + "a word and another " * 9 + "\nshort    as it is"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("400", MOST)])
def test_a_sentence_is_broken_at_the_width_of_the_terminal_and_keeps_its_margin(
    monkeypatch: pytest.MonkeyPatch, columns: str, widest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal = Terminal()

    say(TEXT, terminal)

    first, *more, last, end = terminal.getvalue().split("\n")
    assert (first, last, end) == ("columns:", "short    as it is", "")
    assert more[0].startswith("  - 'first': a word")
    assert all(line.startswith("    ") and line[4] != " " for line in more[1:])
    assert widest - 8 < max(map(len, more)) <= widest
    assert " ".join(line.strip() for line in more) == TEXT.split("\n")[1].strip()


def test_a_long_name_stays_whole_and_so_does_every_line_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal, path = Terminal(), "data/" + "x-y" * 30

    say(f"it is {path}", terminal)
    say(TEXT)

    assert terminal.getvalue().splitlines() == ["it is", path]
    assert capsys.readouterr().out == f"{TEXT}\n"


def test_an_error_is_broken_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    def fails() -> int:
        raise DataError("a column is missing and nobody knows where it is")

    assert shown("train", fails) == 1
    assert terminal.getvalue().splitlines() == [
        "train: a column is missing and",
        "nobody knows where it is",
    ]
