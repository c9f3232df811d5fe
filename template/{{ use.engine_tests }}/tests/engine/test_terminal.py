"""What reaches a terminal: lines that fit, our colours where wanted, nothing data could send."""

import io
import sys
from contextlib import redirect_stdout
from typing import Any

import pytest

from engine.core import terminal
from engine.core.errors import DataError, ProjectError, shown
from engine.core.terminal import MOST, say

TEXT = "columns:\n  - 'first': " + "a word and another " * 9 + "\nshort    as it is"


class Screen(io.StringIO):
    """A stream that is a terminal, or says so."""

    def __init__(self, is_screen: bool = True) -> None:
        super().__init__()
        self.is_screen = is_screen

    def isatty(self) -> bool:
        """Whether it is one."""
        return self.is_screen


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of colours, whatever the tests run in."""
    for name in ("NO_COLOR", "FORCE_COLOR", "RUN_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("env", "is_screen", "wanted"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_for_terminals_and_can_be_told(
    env: dict[str, str], is_screen: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.os, "name", "posix")

    assert terminal.has_colour(Screen(is_screen), env) is wanted


@pytest.mark.parametrize(
    ("is_screen", "expected"), [(True, "\x1b[32mpassed\x1b[0m"), (False, "passed")]
)
def test_a_painted_word_is_coloured_on_a_terminal_only(is_screen: bool, expected: str) -> None:
    screen = Screen(is_screen)

    with redirect_stdout(terminal.printable(screen)):
        print(terminal.paint("passed", "good"))

    assert screen.getvalue() == f"{expected}\n"


def test_data_cannot_colour_or_steer_a_terminal() -> None:
    screen = Screen()

    print("a\x1b[2J\x1b[31mb\u202e\rc", file=terminal.printable(screen))

    assert screen.getvalue() == "a\\x1b[2J\\x1b[31mb\\u202e\\rc\n"


def test_a_bar_is_drawn_over_the_one_before() -> None:
    screen = Screen()

    terminal.printable(screen).write("\r 50%")

    assert screen.getvalue() == "\r 50%"


def test_without_a_stream_that_knows_colours_the_text_is_plain() -> None:
    assert shown("say", lambda: 0) == 0

    assert terminal.paint("passed", "good") == "passed"


@pytest.mark.parametrize("word", ["python", "py", "python3"])
def test_messages_say_the_word_that_starts_python_here(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen(False)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("RUN_PYTHON", word)

    def fail() -> int:
        raise ProjectError("nothing is there; make it with: python3 run.py up")

    assert shown("serve", fail) == 1
    assert screen.getvalue() == f"serve: nothing is there; make it with: {word} run.py up\n"


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("400", MOST)])
def test_a_sentence_is_broken_at_the_width_of_the_terminal_and_keeps_its_margin(
    monkeypatch: pytest.MonkeyPatch, columns: str, widest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal = Screen()

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
    terminal, path = Screen(), "data/" + "x-y" * 30

    say(f"it is {path}", terminal)
    say(TEXT)

    assert terminal.getvalue().splitlines() == ["it is", path]
    assert capsys.readouterr().out == f"{TEXT}\n"


def test_an_error_is_broken_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Screen()
    monkeypatch.setattr("sys.stderr", terminal)

    def fails() -> int:
        raise DataError("a column is missing and nobody knows where it is")

    assert shown("train", fails) == 1
    assert terminal.getvalue().splitlines() == [
        "train: a column is missing and",
        "nobody knows where it is",
    ]


def test_what_stands_before_the_colon_is_coloured_and_no_width_is_lost_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    screen = Screen()

    with redirect_stdout(terminal.printable(screen)):
        say("  warning: a column is missing and no", colour="warning")

    assert screen.getvalue().splitlines() == [
        "\x1b[33m  warning:\x1b[0m a column is missing",
        "  and no",
    ]
