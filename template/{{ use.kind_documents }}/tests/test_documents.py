"""The documents are read, cut without loss, and `src/app` gives the engine what it takes."""

from typing import Any

import pytest

from engine.contract import app
from engine.contract.app_files import taken
from engine.contract.schema import Contract
from engine.core.errors import AppError
from engine.corpus import load as corpora
from engine.corpus.load import Corpus
from engine.evaluation.questions import Questions
from engine.retrieval.split import spans

TAKEN = {"documents": "load", "decide": "decide"}


def test_every_document_is_read(corpus: Corpus) -> None:
    assert corpus.documents
    assert not corpus.unread, "\n".join(corpora.lines(corpus))


def test_a_passage_is_a_range_of_its_document_and_nothing_is_left_out(
    corpus: Corpus, contract: Contract
) -> None:
    size, overlap = contract.splitter.size, contract.splitter.overlap
    for document in corpus.documents:
        cut = spans(document.text, size, overlap)
        covered = {place for start, end in cut for place in range(start, end)}

        assert all(0 < end - start <= size for start, end in cut), document.name
        assert not [
            place
            for place, character in enumerate(document.text)
            if place not in covered and not character.isspace()
        ], document.name


def test_what_a_question_names_stands_in_its_documents(asked: Questions, corpus: Corpus) -> None:
    texts = {d.name: " ".join(d.text.split()).casefold() for d in corpus.documents}
    missing = [
        f"{question.id}: {span!r}"
        for question in asked.asked
        for span in question.spans
        if not any(span.casefold() in texts.get(name, "") for name in question.documents)
    ]

    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(("file", "function"), TAKEN.items())
def test_a_function_of_app_that_is_gone_or_takes_something_else_is_named(
    file: str, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take: Any = getattr(app, file)
    taken.cache_clear()
    module = take()
    taken.cache_clear()

    monkeypatch.setattr(module, function, lambda: None)
    with pytest.raises(AppError, match=rf"src/app/{file}.py has {function}\(\).* the engine takes"):
        take()
    monkeypatch.delattr(module, function)
    with pytest.raises(AppError, match=rf"src/app/{file}.py has no {function}; the engine takes"):
        take()
