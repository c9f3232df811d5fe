"""Tables that somebody names: the first `up` on each serves, or is refused in words.

OWN_TABLES is a folder of CSV and Parquet files. Its file targets.toml, or the one that OWN_TARGETS
names, says what is predicted in each; of the others it is the last column:

    ["titanic.csv"]
    target = "survived"
"""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Render, git

FOLDER, TARGETS = os.environ.get("OWN_TABLES", ""), os.environ.get("OWN_TARGETS", "")
MINOR = "{}.{}".format(*sys.version_info)
SERVED, REFUSED, GATES = 0, 1, 3
LONG = 900  # seconds; a verb that takes longer hangs
Verb = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="OWN_TABLES names no folder of tables to try"),
    pytest.mark.xdist_group("own tables"),
]


def tables() -> list[Path]:
    """The files of the folder."""
    found = Path(FOLDER or ".").resolve()
    return sorted(p for p in found.iterdir() if p.suffix in (".csv", ".parquet")) if FOLDER else []


def asked(table: Path) -> dict[str, Any]:
    """What is to be predicted in a table."""
    targets = Path(TARGETS or table.with_name("targets.toml"))
    told = tomllib.loads(targets.read_text("utf-8")) if targets.is_file() else {}
    found: dict[str, Any] = told.get(table.name, {})
    if "target" not in found and table.suffix == ".csv":
        with table.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            found = {"target": next(csv.reader(stream))[-1]}
    return found


@pytest.fixture(scope="module")
def verb(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Verb:
    """verb("train") -> `python3 run.py train` in a fresh repository; nothing is expected of it."""
    place = tmp_path_factory.mktemp("own") / "demo"
    shutil.copytree(render(python_minor=MINOR), place)
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "start")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = ("APP_", "COPIER_", "PYTEST_", "GIT_", "CALLED_FROM", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {"APP_PORT": str(port), "GIT_CONFIG_GLOBAL": os.environ["GIT_CONFIG_GLOBAL"]}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        if words[0] == "contract":
            shutil.rmtree(place / "store", ignore_errors=True)
        return subprocess.run(
            [sys.executable, "run.py", *words],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )

    return run


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.name)
def test_a_table_is_served_or_refused_in_words(table: Path, verb: Verb) -> None:
    about = asked(table)
    if "target" not in about:
        pytest.skip(f"no target is named for {table.name}")
    task = ["--task", about["task"]] if "task" in about else []

    drafted = verb("contract", "draft", str(table), "--target", about["target"], "--force", *task)
    up = verb("up", "--once") if drafted.returncode == 0 else drafted

    said = drafted.stdout + drafted.stderr + up.stdout + up.stderr
    assert "Traceback" not in said, said[-4000:]
    assert up.returncode in (SERVED, REFUSED, GATES), said[-4000:]
    last = [line for line in up.stderr.splitlines() if line.strip()][-1:]
    assert up.returncode == SERVED or last, said[-4000:]
    print(f"{table.name}: {'served' if up.returncode == SERVED else last[0]}")
