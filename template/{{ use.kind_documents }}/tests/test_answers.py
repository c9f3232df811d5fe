"""The index keeps its gates, cites what stands there, refuses; it is repeated and taken back."""

from pathlib import Path

import pytest

from engine.answering.answerer import Answerer, Asked
from engine.core.settings import Settings
from engine.core.storage import Storage
from engine.corpus.load import Corpus
from engine.corpus.screen import blotted
from engine.evaluation.questions import Questions
from engine.evaluation.reproduce import reproduce
from engine.registry import history
from engine.registry.registry import Registry
from tests.conftest import Built


def test_no_gate_fails(built: Built) -> None:
    assert built.record.passed, f"{built.record.failed}: {built.record.gates}"


def test_a_citation_stands_word_for_word_at_its_place(
    answerer: Answerer, asked: Questions, corpus: Corpus
) -> None:
    texts = {document.name: document.text for document in corpus.documents}
    cited = 0
    for question in asked.asked or []:
        answer = answerer.answer(Asked(question.question))
        assert answer["refused"] is not bool(answer["citations"])
        for citation in answer["citations"]:
            place = slice(citation["start"], citation["end"])
            text = texts[citation["document"]][place]
            blots = answerer.contract.guard.personal_data == "blot"
            assert (blotted(text) if blots else text) == citation["quote"]
            cited += 1

    assert cited or not asked.asked


@pytest.mark.parametrize(
    "question", ["Qwxyzk vbnmtr plöktz?", "Which galaxy hosts the quasar Qwxyzk?", "¿?"]
)
def test_what_no_document_speaks_of_is_refused(answerer: Answerer, question: str) -> None:
    answer = answerer.answer(Asked(question))

    assert answer["refused"]
    assert (answer["answer"], answer["citations"]) == (None, [])
    assert answer["reason"]


def test_the_same_documents_give_the_same_index_bit_for_bit(
    built: Built, settings: Settings
) -> None:
    differs = reproduce(Storage(built.store), built.record.run_id, settings)

    assert not differs, "\n".join(differs)


def test_a_promoted_version_answers_until_it_is_rolled_back(built: Built, tmp_path: Path) -> None:
    registry = Registry(Storage(tmp_path))
    for name in ("first", "second"):
        registry.register(built.folder, name, built.digest, built.record.metrics)
        registry.promote(reason=f"the {name} one")

    assert registry.load()[0] == 2
    assert registry.rollback("it is worse") == 1
    assert registry.load()[0] == 1
    assert "it is worse" in history.table(registry.state())
