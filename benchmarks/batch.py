"""Batches, side by side in one run: ours in one process, by each engine, and a bare loop.

    python3 run.py benchmark batch               # --rows 2000000 --rounds 3

All score the same Parquet file with the same model. The bare loop feeds strings to onnxruntime and
writes probabilities: no checks, no rejects, no ids, no restart. Ratios of CPU time travel best; the
memory of ours is taken on a tenth of the rows as well.
"""

import argparse
import contextlib
import ctypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import load
from .report import publish
from .serving import python, run

ROOT = Path(__file__).resolve().parent.parent
RIVALS = Path(__file__).resolve().parent / "rivals"
CACHE = Path(tempfile.gettempdir()) / "copier-ml-benchmarks-batch"
PACKAGE = "bench"
ENGINES = ("prefect", "spark")
COLUMNS = """
import json
from engine.contract.read import load_contract
terms = load_contract()
plain = [n for n, c in terms.features.items() if c.type in ("number", "integer", "boolean")]
print(json.dumps({"numbers": plain, "moments": terms.datetimes, "categories": terms.categories}))
"""
ROWS = """
import sys
import numpy as np, pyarrow as pa, pyarrow.csv, pyarrow.parquet
from engine.contract.read import load_contract
terms, chance = load_contract(), np.random.default_rng(1)
text = {n: pa.string() for n, c in terms.columns.items() if c.type == "category"}
options = pyarrow.csv.ConvertOptions(column_types=text, strings_can_be_null=True, null_values=[""])
sample = pyarrow.csv.read_csv(terms.dataset.source, convert_options=options)
writer = None
for first in range(0, int(sys.argv[2]), 131072):
    count = min(131072, int(sys.argv[2]) - first)
    rows = sample.take(pa.array(chance.integers(len(sample), size=count)))
    writer = writer or pyarrow.parquet.ParquetWriter(sys.argv[1], rows.schema, compression="zstd")
    writer.write_table(rows)
writer.close()
"""
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
OURS = """
import sys
from engine.batch import work
from engine.core.settings import load_settings
work.score(load_settings(), sys.argv[1], work.here)
"""


@dataclass
class Route:
    """One way to score the file, and what it took in each round."""

    name: str
    command: list[str]
    project: Path
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)


def main() -> int:
    """Measure and publish the table."""
    parser = argparse.ArgumentParser(prog="run.py benchmark batch", description=main.__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=ENGINES)
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what outlives its parent is ours to count
    CACHE.mkdir(exist_ok=True)
    projects = {engine: render(engine) for engine in options.engines or ["prefect"]}
    first = next(iter(projects.values()))
    large, small = CACHE / "large.parquet", CACHE / "small.parquet"
    for file, rows in ((large, options.rows), (small, options.rows // 10)):
        run([python(first), "-c", ROWS, str(file), str(rows)], cwd=first, PYTHONPATH="src")
    ours, bare = ours_on(first, large), bare_on(first, large)
    routes = [bare, ours, *(by_engine(projects[e], e, large) for e in options.engines)]
    fewer = ours_on(first, small)
    stolen, passed = load.stolen()
    for _ in range(options.rounds):
        for route in (*routes, fewer):
            measure(route)
    stolen, passed = load.stolen()[0] - stolen, load.stolen()[1] - passed
    noise = f"- Processor time taken by other machines meanwhile: {stolen / passed:.0%}."
    text = f"{table(routes, fewer, options.rows)}\n{noise}"
    publish("batch", text, " ".join(["python3 run.py benchmark batch", *sys.argv[1:]]))
    return 0


def render(engine: str) -> Path:
    """A project of this engine with a champion."""
    project = CACHE / engine / PACKAGE
    shutil.rmtree(project, ignore_errors=True)
    project.parent.mkdir(exist_ok=True)
    answers = ["mode=batch", f"serving={engine}", "model=linear", f"project_name={PACKAGE}"]
    answers.append(f"python_minor={sys.version_info[0]}.{sys.version_info[1]}")
    given = [word for answer in answers for word in ("-d", answer)]
    run([sys.executable, str(ROOT / "run.py"), "new", str(project), "--defaults", "-q", *given])
    run([sys.executable, "run.py", "up", "--once"], cwd=project)
    return project


def bare_on(project: Path, file: Path) -> Route:
    """The bare loop over the champion of a project."""
    [model] = (project / "store" / "versions").glob("*/model.onnx")
    columns = run([python(project), "-c", COLUMNS], cwd=project, PYTHONPATH="src").strip()
    script, target = str(RIVALS / "bare_onnx.py"), str(CACHE / "bare.parquet")
    command = [python(project), script, str(model), str(file), target, columns]
    return Route("bare loop, strings", command, project)


def ours_on(project: Path, file: Path) -> Route:
    """Ours in one process, without an engine."""
    return Route("ours, one process", [python(project), "-c", OURS, str(file)], project)


def by_engine(project: Path, engine: str, file: Path) -> Route:
    """Ours as `python3 run.py batch` does it."""
    command = [python(project), "-m", "engine", "batch", str(file)]
    return Route(f"ours by {engine.capitalize()}, whole command", command, project)


def measure(route: Route) -> None:
    """Run it once on an empty output; time, CPU and memory are those of all its processes."""
    shutil.rmtree(route.project / "predictions", ignore_errors=True)
    shutil.rmtree(route.project / "logs", ignore_errors=True)
    env = {**os.environ, "PYTHONPATH": "src", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            route.command, cwd=route.project, env=env, stdout=said, stderr=said
        )
        ended = {pid: (status, usage) for pid, status, usage in processes()}
        wall = time.perf_counter() - began
        said.seek(0)
        if ended[process.pid][0]:
            sys.exit(f"{route.name} failed: {said.read().decode()[-2000:]}")
    usages = [usage for _, usage in ended.values()]
    route.walls.append(wall)
    route.cpus.append(sum(usage.ru_utime + usage.ru_stime for usage in usages))
    route.peaks.append(max(usage.ru_maxrss for usage in usages) / 1024)


def processes() -> Iterator[tuple[int, int, Any]]:
    """Each process below this one as it ends, with what it and those it waited for have used."""
    with contextlib.suppress(ChildProcessError):
        while True:
            yield os.wait4(-1, 0)


def table(routes: list[Route], fewer: Route, rows: int) -> str:
    """The figures as a table, and the aims with what was reached."""
    bare, ours = routes[0], routes[1]
    lines = [
        "| route | thousand rows per CPU second | thousand rows/s | over the bare loop, by CPU "
        "| over the bare loop, by time | peak memory MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for route in routes:
        cpu, wall = middle(route.cpus), middle(route.walls)
        lines.append(
            f"| {route.name} | {rows / cpu / 1000:.0f} | {rows / wall / 1000:.0f} "
            f"| {middle(bare.cpus) / cpu:.2f} | {middle(bare.walls) / wall:.2f} "
            f"| {middle(route.peaks):.0f} |"
        )
    ratio = middle(bare.cpus) / middle(ours.cpus)
    best = min(bare.cpus) / min(ours.cpus)
    lines += [
        "",
        f"- Rows per CPU second over the bare loop: {ratio:.2f} times, by the best of the rounds "
        f"{best:.2f} times (aim: at least 1).",
        f"- Peak memory with {rows // 10} rows {middle(fewer.peaks):.0f} MB, with {rows} rows "
        f"{middle(ours.peaks):.0f} MB (aim: the same).",
    ]
    return "\n".join(lines)


def middle(figures: list[float]) -> float:
    return statistics.median(figures)


if __name__ == "__main__":
    sys.exit(main())
