"""How fast passages are found among many, and what it takes to bring in many documents."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .rag_project import FRAMEWORKS, asked, inside, render, written
from .rag_sets import changed, documents_made_up, made_up

SPEED = "| passages | search | built in s | passages/s | index MB | p50 ms | p99 ms | peak MB |\n"
SPEED += "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
DOCUMENTS = "| {:,} documents, {:.0f} MB | s | documents/s | CPU s | peak MB |\n"
DOCUMENTS += "| --- | ---: | ---: | ---: | ---: |"

TIME = """
vectors = None
if said:
    rows = encoder(said)([d.text for d in documents])
    vectors = encoder(said)([q.question for q in asked])
start = time.perf_counter()
files = {INDEX: lexical.build(documents, cut)}
if said:
    files[dense.VECTORS] = dense.dumped(rows)
index = Index(files, contract.retrieval)
built, took = time.perf_counter() - start, []
for place, question in enumerate(asked):
    start = time.perf_counter()
    index.search(question.question, vector=None if vectors is None else vectors[place])
    took.append(time.perf_counter() - start)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
size = sum(map(len, files.values())) / 1e6
print(json.dumps([built, size, *(np.percentile(took[20:], [50, 99]) * 1000), peak / 1000]))
"""

SPENT = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss]))
sys.exit(code)
"""
"""A process of its own: Linux counts what a process holds as the memory of those it starts."""


class Took(NamedTuple):
    """What a process and those it waited for took; the memory is that of the largest of them."""

    seconds: float
    cpu: float
    megabytes: float


def passages(project: Path, counts: Sequence[int]) -> list[str]:
    """The table of searches among so many passages."""
    return [SPEED, *(row for many in counts for row in _searched(project, many))]


def _searched(project: Path, many: int) -> list[str]:
    """Rows for so many made-up passages and drawn vectors, which cost no encoding."""
    file = written(project, made_up(many))
    found = {
        "words": inside(project, TIME, file, ""),
        "words and vectors": inside(project, TIME, file, "drawn"),
    }
    found |= {name: asked(project, name, "speed", file, "drawn") for name in FRAMEWORKS}
    return [
        f"| {many:,} | {name} | {built:.1f} | {many / built:,.0f} | "
        f"{'-' if size is None else f'{size:.0f}'} | {middle:.1f} | {slow:.1f} | {peak:.0f} |"
        for name, (built, size, middle, slow, peak) in found.items()
    ]


def documents(many: int) -> list[str]:
    """The table of what so many files take: brought in, made an index of, and changed a little."""
    project = render()
    folder = project.parent / "documents"
    questions = documents_made_up(folder, many)
    (project / "evaluation" / "questions.jsonl").write_text(questions, encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    add = ["corpus", "add", str(folder)]
    rows = {
        "`corpus add --replace`": _took(project, *add, "--replace"),
        "`up --once`: index, measure, serve, first answer": _took(project, "up", "--once"),
        "`up --once` again, nothing changed": _took(project, "up", "--once"),
    }
    other = changed(folder)
    rows[f"`corpus add`, {other:,} of them changed"] = _took(project, *add)
    [bundle] = (project / "store" / "versions").iterdir()
    index = sum(path.stat().st_size for path in bundle.iterdir()) / 1e6
    shutil.rmtree(project.parent)
    return [
        DOCUMENTS.format(many, size),
        *(
            f"| {what} | {took.seconds:.1f} | {many / took.seconds:,.0f} | {took.cpu:.1f} | "
            f"{took.megabytes:.0f} |"
            for what, took in rows.items()
        ),
        "",
        f"- The version that it becomes has {index:.0f} MB.",
    ]


def _took(project: Path, *words: str) -> Took:
    """What a verb of a project takes; a failing one ends the benchmark."""
    command = [sys.executable, "-c", SPENT, sys.executable, "run.py", *words]
    environment = {**os.environ, "APP_PORT": "0"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    seconds, cpu, kilobytes = json.loads(done.stdout)
    return Took(seconds, cpu, kilobytes / 1000)
