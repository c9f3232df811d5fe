"""How good the models are, table by table: ours beside two boosting libraries with their defaults.

    python3 run.py benchmark quality                                        # the samples alone
    python3 run.py benchmark quality --tables FOLDER --targets targets.toml # and these tables

The file of targets says what is predicted in each table of the folder:

    ["houses.csv"]
    target = "price"
    task = "regression"      # where draft would take it for classes
    ignored = ["id"]         # columns that the model is not to see, though draft would show them

Ours is what the first `up` makes of the drafted contract. scikit-learn and LightGBM learn from the
same training rows and columns, with categories as they like them, and answer the same test rows.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .report import publish
from .serving import RIVALS, environment, python, run

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(tempfile.gettempdir()) / "copier-ml-benchmarks-quality"
AIM = 0.995  # of the best of all three
TASKS = ("classification", "regression")
BETTER_LOW = frozenset({"mae"})
METRICS = ("roc_auc", "r2", "mae")
HEADER = (
    "| table | rows | columns | first `up` | metric | ours | scikit-learn | LightGBM | to the best "
    "| draft s | `up` s | CPU s | peak MB |\n"
    "| --- | ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
SPLIT = """
import sys
import pandas as pd
from engine.contract.read import load_contract
from engine.data.read import feature_values, own_rows, target_values
from engine.data.split import labelled, split_rows
from engine.features.encode import Encoder
from engine.features.lookup import complete
terms = load_contract()
split = split_rows(labelled(complete(own_rows(terms), terms), terms), terms)
names = [*terms.numbers, *terms.categories]
for part, frame in (("train", split.train), ("test", split.test)):
    numbers, texts = Encoder(terms).columns(feature_values(frame, terms))
    table = pd.concat([pd.DataFrame(numbers), pd.DataFrame(texts, dtype=object)], axis=1)
    table[len(names)] = target_values(frame, terms)
    table.set_axis([f"c{place}" for place in range(len(names) + 1)], axis=1).to_parquet(
        f"{sys.argv[1]}/{part}.parquet", index=False
    )
"""

IGNORE = """
import sys
from pathlib import Path
import tomlkit
file = Path("contract.toml")
document = tomlkit.parse(file.read_text(encoding="utf-8"))
for name in sys.argv[1:]:
    document["columns"][name]["role"] = "ignored"
file.write_text(tomlkit.dumps(document), encoding="utf-8")
"""


@dataclass
class Spent:
    """A command: how it ended, what it said, and what all its processes took."""

    code: int
    said: str
    seconds: float
    cpu: float
    peak: float
    """Megabytes of its largest process."""


@dataclass
class Result:
    """What became of one table."""

    name: str
    outcome: str
    rows: int = 0
    columns: int = 0
    draft: Spent | None = None
    up: Spent | None = None
    scores: dict[str, dict[str, float]] = field(default_factory=dict)

    def ratios(self) -> dict[str, float]:
        """By metric: ours to the best of all three; 1 means that none is better."""
        found = {}
        for metric in METRICS:
            values = {who: s[metric] for who, s in self.scores.items() if metric in s}
            if "ours" in values and len(values) > 1:
                best = (min if metric in BETTER_LOW else max)(values.values())
                ours = values["ours"]
                found[metric] = best / ours if metric in BETTER_LOW else ours / best
        return found


def main() -> int:
    """Measure every table, and publish the outcomes."""
    parser = argparse.ArgumentParser(prog="run.py benchmark quality", description=main.__doc__)
    parser.add_argument("--tables", type=Path, help="a folder of CSV and Parquet files")
    parser.add_argument("--targets", type=Path, help="TOML: what is predicted in each of them")
    parser.add_argument("--only", nargs="*", help="these tables alone; nothing is published")
    parser.add_argument("--port", default="8306", help="of the served models")
    options = parser.parse_args()
    if bool(options.tables) != bool(options.targets):
        parser.error("--tables and --targets go together")
    os.environ["APP_PORT"] = options.port
    asked = tomllib.loads(options.targets.read_text(encoding="utf-8")) if options.targets else {}
    if unknown := [name for name in asked if not (options.tables / name).is_file()]:
        parser.error(f"{options.tables} has no {', '.join(unknown)}")
    chosen = {n: a for n, a in asked.items() if not options.only or n in options.only}
    projects = {task: render(task) for task in TASKS}
    results = [] if options.only else [sample(projects[task], task) for task in TASKS]
    for name, about in chosen.items():
        project = projects[about.get("task", TASKS[0])]
        results.append(measured(project, options.tables / name, about))
        print(row(results[-1]), flush=True)
    text = table(results)
    if options.only:
        print(text)
    else:
        given = ["--tables FOLDER --targets FILE"] if asked else []
        publish("quality", text, " ".join(["python3 run.py benchmark quality", *given]))
    return 0


def render(task: str) -> Path:
    """A repository as a user gets it, with its environment."""
    project = CACHE / task
    if not (project / ".venv").exists():
        shutil.rmtree(project, ignore_errors=True)
    kept = project.with_name(f"{task}-venv")
    shutil.rmtree(kept, ignore_errors=True)
    if project.exists():
        shutil.move(project / ".venv", kept)
        shutil.rmtree(project)
    CACHE.mkdir(exist_ok=True)
    answers = [f"problem={task}", f"python_minor={sys.version_info[0]}.{sys.version_info[1]}"]
    given = [word for answer in answers for word in ("-d", answer)]
    run([sys.executable, str(ROOT / "run.py"), "new", str(project), "--defaults", "-q", *given])
    if kept.exists():
        shutil.move(kept, project / ".venv")
    run([sys.executable, "run.py", "data", "sample"], cwd=project)
    return project


def sample(project: Path, task: str) -> Result:
    """The first `up` on the sample."""
    return judged(project, Result(f"sample, {task}", ""))


def measured(project: Path, file: Path, about: dict[str, Any]) -> Result:
    """Draft a contract for the table, and what the first `up` makes of it."""
    copy = project / "data" / file.name
    shutil.copy(file, copy)
    draft = ["contract", "draft", f"data/{file.name}", "--target", about["target"], "--force"]
    task = ["--task", about["task"]] if "task" in about else []
    spent = command(project, *draft, *task)
    result = Result(file.name, "", draft=spent)
    if spent.code:
        result.outcome = f"refused: {reason(spent.said)}"
        return result
    if ignored := about.get("ignored"):
        run([python(project), "-c", IGNORE, *ignored], cwd=project)
    return judged(project, result)


def judged(project: Path, result: Result) -> Result:
    """The first `up`, and the rivals on its rows."""
    shutil.rmtree(project / "store", ignore_errors=True)
    result.up = command(project, "up", "--once")
    kinds = {0: "served", 3: f"not served: {reason(result.up.said)}"}
    result.outcome = kinds.get(result.up.code, f"refused: {reason(result.up.said)}")
    records = sorted((project / "store" / "runs").glob("*/run.json"))
    if not records:
        return result
    record = json.loads(records[-1].read_text(encoding="utf-8"))
    result.rows, result.columns = sum(record["rows"].values()), len(record["importance"])
    mine = {m: record["metrics"][f"test.{m}"] for m in METRICS if f"test.{m}" in record["metrics"]}
    with tempfile.TemporaryDirectory() as folder:
        run([python(project), "-c", SPLIT, folder], cwd=project, PYTHONPATH="src")
        said = run([environment("boosting"), str(RIVALS / "boosting.py"), folder])
    result.scores = {"ours": mine, **json.loads(said)}
    return result


def command(project: Path, *words: str) -> Spent:
    """Run a verb; time and memory are those of all its processes."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "run.py", *words],
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    cpu = usage.ru_utime + usage.ru_stime
    return Spent(process.returncode, said, wall, cpu, usage.ru_maxrss / 1024)


def reason(said: str) -> str:
    """Which gates failed, or else the last line of what a verb said, short enough for a table."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    text = lines[-1].replace("|", "/") if lines else "no word"
    if failed := re.search(r"because it failed: (.*?)\. Look", text):
        return failed[1]
    return text if len(text) <= 160 else f"{text[:157]}..."


def row(result: Result) -> str:
    """One line of the table, or two where two metrics tell more."""
    lines, ratios = [], result.ratios()
    for metric in [m for m in METRICS if m in ratios] or ["-"]:
        scores = [
            f"{result.scores[who][metric]:.4f}" if metric in ratios else "-"
            for who in ("ours", "scikit-learn", "LightGBM")
        ]
        shown = f"{ratios[metric]:.4f}" if metric in ratios else "-"
        took = [f"{s.seconds:.0f}" if s else "-" for s in (result.draft, result.up)]
        costs = [f"{result.up.cpu:.0f}", f"{result.up.peak:.0f}"] if result.up else ["-", "-"]
        cells = [result.name, result.rows or "-", result.columns or "-", result.outcome, metric]
        cells += [*scores, shown, *took, *costs]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def table(results: list[Result]) -> str:
    """Every table, and how many reach the aim."""
    ratios = {r.name: min(r.ratios().values()) for r in results if r.ratios()}
    below = {name: ratio for name, ratio in ratios.items() if ratio < AIM}
    said = ", ".join(f"{name} {ratio:.4f}" for name, ratio in sorted(below.items())) or "none"
    served = sum(r.outcome == "served" for r in results)
    notes = [
        f"- At least {AIM} of the best on {len(ratios) - len(below)} of {len(ratios)} tables that a"
        f" model was fitted on (aim: all); below it: {said}.",
        f"- Served at the first `up`: {served} of {len(results)}; the others say why.",
    ]
    return "\n".join([HEADER, *map(row, results), "", *notes])


if __name__ == "__main__":
    sys.exit(main())
