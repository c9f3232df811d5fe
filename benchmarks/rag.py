"""How well and how fast passages are found: ours beside the retrievers of two frameworks.

    python3 run.py benchmark rag --sets FOLDER                      # quality on public collections
    python3 run.py benchmark rag --sets FOLDER --passages 10000 100000  # and speed, on made-up ones
    python3 run.py benchmark rag --sets FOLDER --documents 10000    # and what so many files take
    python3 run.py benchmark rag --sets FOLDER --encoder URL MODEL  # with another encoder than LSA

The folder holds what it finds of `xquad.en.json` (google-deepmind/xquad, CC BY-SA 4.0) and of
`cran.all.1400`, `cran.qry`, `cranqrel` (Cranfield). Nothing of them is kept here. Ours is the code
of a fresh render with its defaults: passages of 1000/200, pool 20. LangChain and LlamaIndex have an
environment each, their own splitters and retrievers, and the same encoder.
"""

import argparse
import json
import sys
from pathlib import Path

from . import rag_speed
from .rag_project import FRAMEWORKS, asked, inside, render, written
from .rag_sets import Collection, cranfield, xquad
from .report import publish

QUALITY = "| set | questions | search | passages | hit@5 | recall@5 | MRR@10 | nDCG@10 |\n"
QUALITY += "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"

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
    parser.add_argument(
        "--documents", type=int, nargs="*", default=[], help="and what it takes to bring in so many"
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
        table += ["", *rag_speed.passages(project, options.passages)]
    for many in options.documents:
        table += ["", *rag_speed.documents(many)]
    text = "\n".join(table)
    if options.dry:
        print(text)
    else:
        publish("rag", text, " ".join(["python3 run.py benchmark rag", *sys.argv[1:]]))
    return 0


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


if __name__ == "__main__":
    sys.exit(main())
