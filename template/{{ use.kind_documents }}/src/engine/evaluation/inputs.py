"""What a run is made from: documents, questions, contract, prompt, code, lock; and where it ran."""

from pathlib import Path

from engine.answering import prompt
from engine.contract.schema import Contract
from engine.core import provenance
from engine.core.provenance import hash_of
from engine.core.settings import Settings
from engine.corpus.load import Corpus
from engine.evaluation.questions import raw
from engine.registry.runs import Inputs
from engine.retrieval import rerank

# Whole folders, so that nothing that decides what an index becomes can be forgotten.
STAGES = ("contract", "corpus", "retrieval", "answering", "evaluation")
CODE = ("app", *(f"engine/{stage}" for stage in STAGES))


def current_inputs(contract: Contract, corpus: Corpus, settings: Settings) -> Inputs:
    """What a run started now would be made from."""
    return Inputs(
        corpus=corpus.digest,
        questions=hash_of(raw(contract.questions)),
        contract=contract.fingerprint,
        prompt=hash_of(prompt.load(contract.answer.prompt)),
        code=code_hash(),
        lock=provenance.lock_hash(),
        reranker=rerank.name(settings, contract.retrieval),
    )


def code_hash(src: Path = provenance.SRC) -> str:
    """A hash of every file that decides what an index becomes; the prompt has a hash of its own."""
    return provenance.files_hash(CODE, src, but="prompts")
