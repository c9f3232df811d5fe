"""How well and how fast passages are found: BM25 alone, and with vectors beside it.

    python3 run.py benchmark rag --sets FOLDER                      # quality on public collections
    python3 run.py benchmark rag --sets FOLDER --passages 10000 100000  # and speed, on made-up ones

The folder holds what it finds of `xquad.en.json` (google-deepmind/xquad, CC BY-SA 4.0) and of
`cran.all.1400`, `cran.qry`, `cranqrel` (Cranfield). Nothing of them is kept here. The code that is
measured is that of a fresh render, with its defaults: passages of 1000/200, pool 20.
"""

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from .report import publish
from .serving import python, run

ROOT = Path(__file__).resolve().parent.parent
GRADES = {"1", "2", "3", "4"}  # of Cranfield; 5 is "of no interest"
QUALITY = "| set | questions | passages | search | hit@5 | recall@5 | MRR@10 | nDCG@10 |\n"
QUALITY += "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |"
SPEED = "| passages | built in s | passages/s | index MB | p50 ms | p99 ms | peak MB |\n"
SPEED += "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"

FIND = """
import json, sys
from engine.contract.schema import Contract
from engine.corpus.document import Document
from engine.evaluation import lsa, metrics
from engine.evaluation.measure import pools
from engine.evaluation.questions import Question
from engine.retrieval import lexical, split
from engine.retrieval.index import INDEX, Index
found = json.load(open(sys.argv[1]))
contract = Contract()
documents = [Document(name, title, text, (), "") for name, (title, text) in found["texts"].items()]
size, overlap = contract.splitter.size, contract.splitter.overlap
cut = {d.name: split.spans(d.text, size, overlap) for d in documents}
words = {INDEX: lexical.build(documents, cut)}
asked = [
    Question(
        id=str(n), split="test", question=q, answerable=True, documents=tuple(names), spans=("x",)
    )
    for n, (q, names) in enumerate(found["questions"])
]
plain = Index(words, contract.retrieval)
fitted = lsa.fit(plain.lexical.texts(), contract.retrieval.dimensions)
hybrid = Index(words | fitted, contract.retrieval)
told = {}
for name, index in (("BM25 alone", plain), ("BM25 and LSA", hybrid)):
    got = pools(index, asked, contract.retrieval.pool)
    told[name] = metrics.retrieval(asked, [[p.document for p in each] for each in got])
print(json.dumps({"passages": plain.lexical.count, "told": told}))
"""

TIME = """
import json, random, sys, time
import numpy as np
from engine.contract.schema import Retrieval
from engine.corpus.document import Document
from engine.retrieval import lexical, split
from engine.retrieval.index import INDEX, Index
many, random_ = int(sys.argv[1]), random.Random(7)
syllables = "ka lo mi ter ves du pra sho nel gri to ban ce wul fy".split()
words = np.array(sorted({"".join(random_.choices(syllables, k=random_.randint(2, 4)))
                         for _ in range(60000)}), object)
random_.shuffle(words)
share = np.cumsum(1 / np.arange(1, len(words) + 1))  # words are as frequent as Zipf has them
numbers = np.random.default_rng(7)
drawn = lambda size: words[np.searchsorted(share, numbers.random(size) * share[-1])]
texts = [" ".join(row)[:990] for row in drawn((many, 140))]
documents = [Document(f"{n}", f"{n}", text, (), "") for n, text in enumerate(texts)]
start = time.perf_counter()
cut = {d.name: split.spans(d.text, 1000, 200) for d in documents}
content = lexical.build(documents, cut)
built = time.perf_counter() - start
index = Index({INDEX: content}, Retrieval())
asked = []
for _ in range(220):
    told = documents[random_.randrange(many)].text.split()
    asked.append("What is the " + " ".join(random_.sample(told, 6)) + "?")
took = []
for question in asked:
    start = time.perf_counter()
    index.search(question)
    took.append(time.perf_counter() - start)
took = took[20:]
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([built, len(content) / 1e6, *(np.percentile(took, [50, 99]) * 1000), peak / 1000]))
"""


class Collection(NamedTuple):
    """Texts by name, each with its title, and questions with the names of what answers them."""

    name: str
    texts: dict[str, tuple[str, str]]
    questions: list[tuple[str, list[str]]]


def main() -> int:
    """Measure what the folder holds, and publish the tables."""
    parser = argparse.ArgumentParser(prog="run.py benchmark rag", description=main.__doc__)
    parser.add_argument("--sets", type=Path, required=True, help="a folder with the collections")
    parser.add_argument(
        "--passages", type=int, nargs="*", default=[], help="and the speed on so many"
    )
    parser.add_argument("--dry", action="store_true", help="print the tables, publish nothing")
    options = parser.parse_args()
    found = [read(options.sets) for read in (xquad, cranfield)]
    if not any(found):
        parser.error(f"{options.sets} has neither xquad.en.json nor cran.all.1400")
    project = render()
    table = [QUALITY, *(line for each in found if each for line in quality(project, each))]
    if options.passages:
        table += ["", SPEED, *(speed(project, many) for many in options.passages)]
    text = "\n".join(table)
    if options.dry:
        print(text)
    else:
        publish("rag", text, " ".join(["python3 run.py benchmark", *sys.argv]))
    return 0


def xquad(folder: Path) -> Collection | None:
    """XQuAD in English: its passages are the documents."""
    path = folder / "xquad.en.json"
    if not path.is_file():
        return None
    texts: dict[str, tuple[str, str]] = {}
    questions: list[tuple[str, list[str]]] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for number, paragraph in enumerate(article["paragraphs"]):
            name = f"{article['title']}-{number}"
            texts[name] = (article["title"].replace("_", " "), paragraph["context"])
            questions += [(asked["question"], [name]) for asked in paragraph["qas"]]
    return Collection("XQuAD (en)", texts, questions)


def cranfield(folder: Path) -> Collection | None:
    """The Cranfield collection: abstracts, and what judges found relevant of them."""
    if not all((folder / name).is_file() for name in ("cran.all.1400", "cran.qry", "cranqrel")):
        return None
    parts = re.split(r"(?m)^\.I +(\d+)$", (folder / "cran.all.1400").read_text("utf-8"))
    texts = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        fields = dict(re.findall(r"(?ms)^\.([TW])\n(.*?)(?=^\.[A-Z]\n|\Z)", body))
        if fields.get("W", "").strip():
            texts[name] = (" ".join(fields.get("T", "").split()), fields["W"])
    asked = re.split(r"(?m)^\.I +\d+$", (folder / "cran.qry").read_text("utf-8"))[1:]
    relevant: dict[int, list[str]] = {}
    for line in (folder / "cranqrel").read_text("utf-8").splitlines():
        question, name, grade = line.split()[:3]  # questions are numbered by their order
        if grade in GRADES and name in texts:
            relevant.setdefault(int(question), []).append(name)
    questions = [
        (" ".join(text.replace(".W", " ").split()), relevant[number])
        for number, text in enumerate(asked, 1)
        if number in relevant
    ]
    return Collection("Cranfield", texts, questions)


def render() -> Path:
    """A fresh render with the packages of its build."""
    project = Path(tempfile.mkdtemp(prefix="rag-benchmark-")) / "demo"
    new = [sys.executable, "run.py", "new", str(project), "--defaults", "-q", "-d", "problem=rag"]
    run(new, cwd=ROOT)
    run([sys.executable, "run.py", "corpus", "report"], cwd=project)
    return project


def inside(project: Path, code: str, *arguments: str) -> Any:
    """What code prints as JSON in the environment of the render."""
    said = run([python(project), "-c", code, *arguments], cwd=project, PYTHONPATH="src")
    return json.loads(said.splitlines()[-1])


def quality(project: Path, found: Collection) -> list[str]:
    """Rows of the table for a collection."""
    path = project / "collection.json"
    path.write_text(json.dumps({"texts": found.texts, "questions": found.questions}))
    said = inside(project, FIND, str(path))
    head = f"| {found.name} | {len(found.questions)} | {said['passages']} |"
    return [
        f"{head} {way} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |"
        for way, row in said["told"].items()
    ]


def speed(project: Path, many: int) -> str:
    """A row of the table for so many made-up passages, searched by words."""
    built, size, middle, slow, peak = inside(project, TIME, str(many))
    return (
        f"| {many:,} | {built:.1f} | {many / built:,.0f} | {size:.0f} | {middle:.1f} | {slow:.1f} "
        f"| {peak:.0f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
