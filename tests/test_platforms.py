"""`run.py benchmark platforms`, one short round: every platform's real server says the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import ROOT

ROWS = 13


@pytest.mark.full
def test_every_platform_answers_and_is_measured() -> None:
    command = [sys.executable, "run.py", "benchmark", "platforms", "--small"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)

    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip("| ").split("|") for line in done.stdout.splitlines() if line[:2] == "| "]
    table = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines[2:]}
    assert len(table) == ROWS
    for name, (rate, _, cpu, *more) in table.items():
        assert int(rate.partition(" ")[0]) > 0, name
        assert int(cpu) > 0, f"{name}: another process than its own answered"
        assert (more[0] == "") == (name == "Lambda's handler")  # one call at a time
