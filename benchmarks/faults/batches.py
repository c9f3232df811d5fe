"""kill -9 of a batch at random moments, started again until it ends: every row once."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from ..serving import python, run
from .project import Row

ROWS = """
import csv, sys
with open("data/sample.csv", encoding="utf-8", newline="") as stream:
    rows = list(csv.DictReader(stream))
for number, row in enumerate(rows):
    if number % 100 == 7:
        row["monthly_fee"] = "wrong"
with open(sys.argv[1], "w", encoding="utf-8", newline="") as stream:
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
    writer.writeheader()
    for number in range(int(sys.argv[2])):
        writer.writerow(rows[number % len(rows)])
"""
FOUND = """
import csv, glob, json, pyarrow.parquet
scored, rejected = [], []
for part in glob.glob("predictions/*/predictions/*.parquet"):
    scored += pyarrow.parquet.read_table(part, columns=["row"]).column("row").to_pylist()
for part in glob.glob("predictions/*/rejects/*.csv"):
    with open(part, encoding="utf-8", newline="") as stream:
        rejected += [int(row["row"]) for row in csv.DictReader(stream)]
print(json.dumps([scored, rejected]))
"""


def killed(project: Path, times: int, rows: int) -> Row:
    """Kill it as often as this; a run that ends in between is looked at, and another one begins."""
    chance, kills, runs, lost = random.Random(5), 0, 0, 0
    run([python(project), "-c", ROWS, "rows.csv", str(rows)], cwd=project)
    _clear(project)
    while kills < times:
        process = _start(project, rows)
        target = _parts(project) + chance.randrange(4)
        while process.poll() is None and _parts(project) < target:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.3))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        if process.wait() == 0:
            runs, lost = runs + 1, lost + _wrong(project, rows)
            _clear(project)
    if (code := _start(project, rows).wait()) != 0:
        raise SystemExit(f"the batch ended with {code} when it was started again")
    runs, lost = runs + 1, lost + _wrong(project, rows)
    held = f"finished runs of {rows:,} rows: {runs}; {lost} rows missing, twice or wrongly rejected"
    return Row("kill -9 of a batch, then started again", f"{kills} kills", held, lost)


def _start(project: Path, rows: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [python(project), "-m", "engine", "batch", "rows.csv"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src", "APP_PART_ROWS": str(max(rows // 30, 1))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _parts(project: Path) -> int:
    return len(list(project.glob("predictions/*/predictions/*.parquet")))


def _wrong(project: Path, rows: int) -> int:
    """Rows that are missing, doubled, in both places, or rejected though they are right."""
    said = run([python(project), "-c", FOUND], cwd=project)
    scored, rejected = json.loads(said)
    twice = len(scored) + len(rejected) - len({*scored, *rejected})
    missing = {*range(2, rows + 2)} - {*scored, *rejected}
    bad = {n for n in range(2, rows + 2) if (n - 2) % 6000 % 100 == 7}
    return twice + len(missing) + len({*rejected} ^ bad)


def _clear(project: Path) -> None:
    for name in ("predictions", "logs"):
        shutil.rmtree(project / name, ignore_errors=True)
