"""Repeat a run and say whether the index is the same, bit for bit."""

import tempfile
from pathlib import Path

from engine.contract.read import load_contract
from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.corpus import load as corpora
from engine.evaluation.build import build
from engine.registry import runs
from engine.registry.bundle import CONTRACT, PROMPT

WHAT = {
    "corpus": "the documents (one was added, changed or removed since)",
    "questions": "the questions (they choose whether vectors are searched)",
    "contract": "the contract (this release of the engine reads it otherwise)",
    "code": "the code (a module that decides what an index becomes was edited)",
    "lock": "the lock (requirements.lock has changed, so other libraries are installed)",
    "reranker": "the reranker (another model, other weights, or none is set up)",
}


def reproduce(storage: Storage, run_id: str, settings: Settings) -> list[str]:
    """Repeat a run with its own contract and prompt, not with what is there now.

    An empty list means that every file is the same, bit for bit; otherwise it names the files that
    differ and which of the inputs are no longer the same.
    """
    record = runs.load(storage, run_id)
    with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as scratch:
        path = Path(kept) / CONTRACT
        path.write_bytes(_part(storage, run_id, CONTRACT))
        contract = load_contract(path)
        text = _part(storage, run_id, PROMPT)
        corpus = corpora.load(contract)
        again, _ = build(contract, corpus, settings, Path(scratch), None, path, text)
    files = [name for name, digest in record.files.items() if again.files.get(name) != digest]
    if not files:
        return []
    causes = [
        text
        for name, text in WHAT.items()
        if getattr(record.inputs, name) != getattr(again.inputs, name)
    ]
    if record.python != again.python or record.versions != again.versions:
        causes.append(f"the interpreter or a library: {record.python} then, {again.python} now")
    return [
        f"differs: {', '.join(files)}",
        *(f"because of {cause}" for cause in causes or ["nothing that is recorded"]),
    ]


def _part(storage: Storage, run_id: str, name: str) -> bytes:
    """A file of a run's bundle, as it was."""
    where = f"runs/{run_id}/bundle/{name}"
    if not storage.exists(where):
        raise RunError(f"{storage.url}/{where} is missing; without it, the run cannot be repeated")
    return storage.read(where)
