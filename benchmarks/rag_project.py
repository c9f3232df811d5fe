"""Runs code in a fresh render, and in the environments of the frameworks beside it."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from .rag_sets import Collection
from .serving import RIVALS, ROOT, environment, python, run

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
