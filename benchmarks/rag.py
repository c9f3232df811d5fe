"""How well and how fast passages are found: ours beside the retrievers of two frameworks.

    python3 run.py benchmark rag --sets FOLDER                      # quality on public collections
    python3 run.py benchmark rag --sets FOLDER --passages 10000 100000  # and speed, on made-up ones
    python3 run.py benchmark rag --sets FOLDER --encoder URL MODEL  # with another encoder than LSA

The folder holds what it finds of `xquad.en.json` (google-deepmind/xquad, CC BY-SA 4.0) and of
`cran.all.1400`, `cran.qry`, `cranqrel` (Cranfield). Nothing of them is kept here. Ours is the code
of a fresh render with its defaults: passages of 1000/200, pool 20. LangChain and LlamaIndex have an
environment each, their own splitters and retrievers, and the same encoder.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from .rag_sets import Collection, cranfield, made_up, xquad
from .report import publish
from .serving import RIVALS, environment, python, run

ROOT = Path(__file__).resolve().parent.parent
QUALITY = "| set | questions | search | passages | hit@5 | recall@5 | MRR@10 | nDCG@10 |\n"
QUALITY += "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
SPEED = "| passages | search | built in s | passages/s | index MB | p50 ms | p99 ms | peak MB |\n"
SPEED += "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
FRAMEWORKS = {"LangChain": "rag-langchain", "LlamaIndex": "rag-llamaindex"}

BUILT = """
import json, sys, time
from pathlib import Path
import numpy as np
from rag_encoder import encoder
from engine.contract.schema import Contract
from engine.corpus.document import Document
from engine.evaluation import metrics
from engine.evaluation.searching import lsa
from engine.evaluation.measure import pools
from engine.evaluation.questions import Question
from engine.retrieval import dense, lexical, split
from engine.retrieval.index import INDEX, Index
given, said, contract = json.load(open(sys.argv[1])), sys.argv[2], Contract()
documents = [Document(name, title, text, (), "") for name, (title, text) in given["texts"].items()]
cut = {
    d.name: split.spans(d.text, contract.splitter.size, contract.splitter.overlap)
    for d in documents
}
asked = [
    Question(
        id=str(n), split="test", question=q, answerable=True, documents=tuple(names), spans=("x",)
    )
    for n, (q, names) in enumerate(given["questions"])
]
def measures(found):
    return metrics.retrieval(asked, found)
"""

FIND = """
words = {INDEX: lexical.build(documents, cut)}
plain = Index(words, contract.retrieval)
texts, more, vectors = plain.lexical.texts(), {}, None
if said.startswith("lsa:"):
    more = lsa.fit(texts, contract.retrieval.dimensions)
    for name, content in more.items():
        Path(said[4:], name).write_bytes(content)
else:
    more = {dense.VECTORS: dense.dumped(encoder(said)(texts))}
    vectors = encoder(said)([q.question for q in asked])
told, both = {}, Index(words | more, contract.retrieval)
for name, index, near in (("BM25 alone", plain, None), ("ours", both, vectors)):
    got = pools(index, asked, contract.retrieval.pool, near)
    told[name] = measures([[p.document for p in each] for each in got])
print(json.dumps({"passages": plain.lexical.count, "told": told}))
"""

SCORE = """
print(json.dumps(measures(json.load(open(sys.argv[3]))["found"])))
"""

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


def main() -> int:
    """Measure what the folder holds, and publish the tables."""
    parser = argparse.ArgumentParser(prog="run.py benchmark rag", description=main.__doc__)
    parser.add_argument("--sets", type=Path, required=True, help="a folder with the collections")
    parser.add_argument(
        "--encoder", nargs=2, metavar=("URL", "MODEL"), help="OpenAI-compatible, instead of LSA"
    )
    parser.add_argument(
        "--passages", type=int, nargs="*", default=[], help="and the speed on so many"
    )
    parser.add_argument("--dry", action="store_true", help="print the tables, publish nothing")
    options = parser.parse_args()
    found = [each for each in (read(options.sets) for read in (xquad, cranfield)) if each]
    if not found:
        parser.error(f"{options.sets} has neither xquad.en.json nor cran.all.1400")
    project = render()
    said = " ".join(options.encoder or [])
    table = [QUALITY, *(line for each in found for line in quality(project, each, said))]
    if options.passages:
        table += ["", SPEED, *(row for many in options.passages for row in speed(project, many))]
    text = "\n".join(table)
    if options.dry:
        print(text)
    else:
        publish("rag", text, " ".join(["python3 run.py benchmark rag", *sys.argv[1:]]))
    return 0


def render() -> Path:
    """A fresh render with the packages of its build."""
    project = Path(tempfile.mkdtemp(prefix="rag-benchmark-")) / "demo"
    new = [sys.executable, "run.py", "new", str(project), "--defaults", "-q", "-d", "problem=rag"]
    run(new, cwd=ROOT)
    run([sys.executable, "run.py", "corpus", "report"], cwd=project)
    return project


def inside(project: Path, code: str, *arguments: str) -> Any:
    """What code prints as JSON in the environment of the render."""
    path = f"src:{RIVALS}"
    said = run([python(project), "-c", BUILT + code, *arguments], cwd=project, PYTHONPATH=path)
    return json.loads(said.splitlines()[-1])


def asked(project: Path, framework: str, what: str, *arguments: str) -> Any:
    """What a framework's script prints as JSON, in the framework's own environment."""
    name = FRAMEWORKS[framework]
    script = str(RIVALS / f"{name.replace('-', '_')}.py")
    command = [environment(name), script, what, *arguments]
    return json.loads(run(command, PYTHONPATH=f"{project}/src").splitlines()[-1])


def written(project: Path, found: Collection) -> str:
    """The file of a collection, for every system."""
    path = project / "collection.json"
    path.write_text(json.dumps({"texts": found.texts, "questions": found.questions}), "utf-8")
    return str(path)


def quality(project: Path, found: Collection, encoder: str) -> list[str]:
    """Rows of the table for a collection."""
    file, fitted = written(project, found), project / "fitted"
    fitted.mkdir(exist_ok=True)
    said = encoder or f"lsa:{fitted}"
    name = encoder.partition(" ")[2] or "LSA"
    ours = inside(project, FIND, file, said)
    rows = [(way.replace("ours", f"BM25 and {name}"), ours["passages"], row)
            for way, row in ours["told"].items()]  # fmt: skip
    for framework in FRAMEWORKS:
        theirs = asked(project, framework, "quality", file, said)
        kept = project / "found.json"
        kept.write_text(json.dumps(theirs), "utf-8")
        measured = inside(project, SCORE, file, said, str(kept))
        rows.append((f"{framework}, {name}", theirs["passages"], measured))
    return [
        f"| {found.name} | {len(found.questions)} | {way} | {passages} | "
        + " | ".join(f"{value:.3f}" for value in row.values())
        + " |"
        for way, passages, row in rows
    ]


def speed(project: Path, many: int) -> list[str]:
    """Rows of the table for so many made-up passages and drawn vectors, which cost no encoding."""
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


if __name__ == "__main__":
    sys.exit(main())
