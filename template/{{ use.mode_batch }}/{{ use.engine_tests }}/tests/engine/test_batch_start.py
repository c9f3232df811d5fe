"""What `up` shows of a batch."""

import sys
from typing import Any

import pytest

from engine.batch import results, work
from engine.commands import start


def test_the_first_rows_are_broken_between_words_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = [f"a_column_{i}={i}" for i in range(12)]
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(results, "files", lambda *_: ["rows.csv"])
    monkeypatch.setattr(work, "score", lambda *_: (None, None))
    monkeypatch.setattr(results, "summary", lambda *_: "12 of 12 rows scored")
    monkeypatch.setattr(results, "first", lambda _: f"row 2: {', '.join(held)}\n  -> yes")
    settings: Any = None

    assert start.up(settings, once=True) == 0

    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert all(any(each in line for line in lines) for each in held)
