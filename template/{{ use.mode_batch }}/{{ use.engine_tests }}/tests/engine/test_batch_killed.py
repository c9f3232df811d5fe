"""kill -9 at any moment, start again: every row is scored once. With the real engine."""

import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from .batch_engine import environment
from .batch_jobs import require_each_row_once, rows_file, spoil, verb
from .conftest import CONTRACTS

ROWS, PART = 1500, 30
MOMENTS = 20 if os.environ.get("TEST_FULL") else 2
pytestmark = pytest.mark.parametrize("contract_file", CONTRACTS[:1], indirect=True, ids=["own"])


@pytest.fixture(scope="module")
def engine() -> dict[str, str]:
    """The variables that the engine's runs need; what it takes long to start is started once."""
    return {**environment(), "APP_PART_ROWS": str(PART)}


@pytest.fixture
def project(trained: Path, tmp_path: Path, any_contract: Any) -> Path:
    """A trained project with an input that has bad rows."""
    folder = Path(shutil.copytree(trained, tmp_path / "project"))
    spoil(rows_file(folder, any_contract, ROWS), any_contract)
    return folder


def files(project: Path) -> int:
    return len(list(project.glob("predictions/*/predictions/*.parquet")))


def killed_when(project: Path, env: dict[str, str], enough: int, wait: float) -> bool:
    """Start a run and kill it and its children when `enough` parts are there; whether it lived."""
    process = verb(project, "batch", "rows.csv", env=env)
    end = time.monotonic() + 300
    while files(project) < enough and process.poll() is None:
        assert time.monotonic() < end, "nothing was scored in five minutes"
        time.sleep(0.002)
    time.sleep(wait)
    lived = process.poll() is None
    if lived:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return lived


def check(project: Path, env: dict[str, str]) -> None:
    """Start again until it ends by itself; then look."""
    process = verb(project, "batch", "rows.csv", env=env)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    require_each_row_once(project / "predictions", ROWS)
    assert not list(project.glob("predictions/*/log/*"))
    assert not list(project.glob("predictions/**/.*"))
    [log] = (project / "logs").glob("predictions-*.jsonl")
    lines = log.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(set(lines)) == ROWS - ROWS // 50


def test_killed_at_random_moments(project: Path, engine: dict[str, str]) -> None:
    chance, lived = random.Random(), 0
    for moment in range(MOMENTS):
        if files(project) >= ROWS // PART - 3 or list(project.glob("predictions/*/run.json")):
            check(project, engine)
            shutil.rmtree(project / "predictions")
            shutil.rmtree(project / "logs", ignore_errors=True)
        is_early = moment % 5 == 4  # while it starts, plans, or has not yet written anything
        enough = 0 if is_early else files(project) + chance.randrange(1, 12)
        wait = chance.uniform(0, 8) if is_early else chance.uniform(0, 0.2)
        lived += killed_when(project, engine, enough, wait)

    assert lived > MOMENTS // 2, "it was hardly ever killed while it ran"
    check(project, engine)
