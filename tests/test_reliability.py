"""The faults of `run.py benchmark reliability`, a few of each: nothing is lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import ROOT


@pytest.mark.full
def test_nothing_is_lost_when_it_is_broken() -> None:
    command = [sys.executable, "run.py", "benchmark", "reliability", "--small"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)

    assert done.returncode == 0, done.stdout + done.stderr
    table = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    lost = [row[-1] for row in table[2:]]
    assert len(lost) == 14
    assert {*lost} == {"0 |"}
