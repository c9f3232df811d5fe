"""Two documents and a question for which words alone put the wrong one first."""

import json
from pathlib import Path

import msgspec

from engine.contract.read import parse_contract
from engine.contract.schema import Contract
from engine.core.settings import Settings
from engine.corpus.load import Corpus
from engine.evaluation import build
from engine.registry.runs import RunRecord

from . import small_bundle

RIGHT, DECOY = "cats.md", "wordy.md"
QUESTION = "How long does a cat sleep?"
TEXTS = small_bundle.TEXTS | {
    DECOY: "# Cat sleep\n\nCat sleep: how long, how long. A cat may sleep. Sleep, cat, sleep.\n",
}
PROMPT = b"Passages:\n{passages}\nQuestion: {question}"


def contract(folder: Path, more: str = "") -> tuple[Contract, Path]:
    """A contract over these documents that asks the question, and its file.

    `more` are lines of its table `retrieval`.
    """
    row = {"id": "q", "question": QUESTION, "answerable": True, "documents": [RIGHT]}
    lines = [
        json.dumps({**row, "id": f"q-{split}", "split": split, "spans": ["14 hours"]})
        for split in ("dev", "test")
    ]
    asked = folder / "questions.jsonl"
    asked.write_text("\n".join(lines), encoding="utf-8")
    path = folder / "contract.toml"
    said = f'questions = {json.dumps(str(asked))}\n[retrieval]\ndense = "none"\n{more}'
    path.write_text(said, encoding="utf-8")
    return parse_contract(path.read_text("utf-8")), path


def corpus() -> Corpus:
    """The documents as the engine reads them."""
    return Corpus(small_bundle.documents(TEXTS), [], [])


def built(folder: Path, settings: Settings, more: str = "") -> tuple[RunRecord, Path]:
    """The record of a build over these documents, and the folder of its bundle."""
    terms, path = contract(folder, more)
    bundle = folder / "bundle"
    bundle.mkdir()
    config = msgspec.structs.replace(settings, store=str(folder / "store"))
    record, _ = build.build(terms, corpus(), config, bundle, None, path, PROMPT)
    return record, bundle
