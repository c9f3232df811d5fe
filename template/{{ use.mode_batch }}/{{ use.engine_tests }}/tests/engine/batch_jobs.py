"""Inputs for batches, and what must hold of every output: each row once, here or there."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet

import engine
from engine.core.settings import Settings

from .made_up import write_rows

SRC = Path(str(engine.__file__)).parents[1]


def config(**changes: Any) -> Any:
    """Settings with small parts, so that there are many; an engine scores them, however few."""
    return Settings(**{"part_rows": 70, "log_rows": 50, "small_rows": 0, **changes})


def rows_file(folder: Path, contract: Any, count: int = 500, name: str = "rows.csv") -> Path:
    """A CSV of good rows; what tables say of them stands where the project's contract looks."""
    path = folder / name
    write_rows(path, contract, count, seed=3)
    for table in contract.tables:
        path.with_name(f"{table}.csv").replace(folder / "data" / f"{table}.csv")
    return path


def strict(contract: Any) -> str:
    """A feature that takes not every text."""
    return next(
        name
        for name, column in contract.features.items()
        if column.type != "category" or column.unknown == "refuse"
    )


def spoil(path: Path, contract: Any, every: int = 50) -> int:
    """Replace a required or bounded value in some rows of a CSV; returns how many."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    name = strict(contract)
    for row in rows[::every]:
        row[name] = "wrong"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return len(rows[::every])


def as_parquet(path: Path, group: int = 60) -> Path:
    """The same rows as Parquet with small row groups; text stays text."""
    text = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    target = path.with_suffix(".parquet")
    table = pyarrow.csv.read_csv(path, convert_options=text)
    pyarrow.parquet.write_table(table, target, row_group_size=group)
    return target


def outcome(folder: Path) -> tuple[list[int], dict[int, str], dict[str, Any]]:
    """Row numbers of predictions, rejects by row number, and the manifest of the only output."""
    [place] = [path for path in folder.iterdir() if path.is_dir()]
    scored: list[int] = []
    for part in sorted(place.glob("predictions/*.parquet")):
        scored += pyarrow.parquet.read_table(part).column("row").to_pylist()
    rejects: dict[int, str] = {}
    for part in sorted(place.glob("rejects/*.csv")):
        with part.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                assert int(row["row"]) not in rejects
                rejects[int(row["row"])] = row["reason"]
    manifest = place / "run.json"
    return scored, rejects, json.loads(manifest.read_text()) if manifest.exists() else {}


def require_each_row_once(folder: Path, count: int, first: int = 2) -> None:
    """Every row is among the predictions or the rejects, once; the `first` of Parquet is row 0."""
    scored, rejects, manifest = outcome(folder)
    assert sorted([*scored, *rejects]) == list(range(first, count + first))
    assert (manifest["scored"], manifest["rejected"]) == (len(scored), len(rejects))


def verb(folder: Path, *words: str, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
    """`python3 run.py batch ...` in a process group of its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *words],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(SRC), "APP_SMALL_ROWS": "0", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # what a shell starts in the background ignores Ctrl-C, and so does all that follows
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
