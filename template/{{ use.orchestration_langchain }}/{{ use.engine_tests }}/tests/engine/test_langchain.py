"""LangChain: the same answers as plain, byte for byte; and what a chain may not do.

`plain_chain.py` is the module that orchestration=plain has in its place.
"""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough

import app.chain
from engine.answering.language_model import chain, documents
from engine.answering.language_model.documents import PassageRetriever
from engine.contract.schema import Contract
from engine.core.storage import Storage
from engine.corpus.load import Corpus
from engine.evaluation.questions import Questions
from engine.registry.bundle import load_bundle
from engine.retrieval import dense
from engine.retrieval.dense import unit
from engine.retrieval.index import Index

from . import plain_chain, small_bundle
from .stand_in import Step, breaks, claims, encodes, playing, says, sends, slow
from .test_encoder import ENCODED, vector
from .test_endpoint import CONTRACT, GOOD, QUESTION, QUOTE, ask, stored

ROOT = Path(__file__).parents[2]
FIRST = re.compile(r"(?s)\[1\] [^\n]*\n(.*?)(?:\n\n\[2\]|\n</passages>)")
Json = dict[str, Any]
Build = Callable[..., Runnable[Json, Json]]


def model(handler: BaseHTTPRequestHandler, body: Json) -> None:
    """A model whose answer depends on what it is asked: mostly good, at times anything but."""
    asked = json.dumps(body, sort_keys=True)
    what = int(hashlib.sha256(asked.encode()).hexdigest(), 16) % 10
    found = FIRST.search(body["messages"][0]["content"])
    quote = " ".join((found[1] if found else "").split()[:12])
    steps: dict[int, Step] = {
        0: claims("", refused=True),
        1: claims("This stands nowhere.", (1, "these words stand in no passage at all")),
        2: says("no JSON"),
        3: sends(400, {}),
        4: breaks,
        5: says({"answer": quote, "refused": False, "citations": []}, usage=False),
        6: says("{}", finish="length"),
    }
    steps.get(what, claims(quote, (1, quote)))(handler, body)


def test_every_question_of_the_corpus_has_the_answer_of_plain_byte_for_byte(
    corpus: Corpus, asked: Questions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {f"{each.name}.txt": each.text for each in corpus.documents}
    said = (ROOT / "src/app/prompts/answer.md").read_bytes()
    questions = [question.question for question in asked.asked]

    def answers(name: str) -> tuple[list[bytes], list[Json]]:
        store = stored(tmp_path / name, CONTRACT, prompt=said, texts=texts)
        with playing(model) as server:
            found = ask(store, *questions, llm_url=server.url, llm_attempts=1)
        for answer in found:
            del answer["id"]
        return [msgspec.json.encode(answer) for answer in found], server.asked

    through_langchain = answers("langchain")
    monkeypatch.setattr(chain, "opened", plain_chain.opened)
    through_plain = answers("plain")

    assert through_langchain == through_plain
    methods = {json.loads(answer)["fallback"] for answer in through_plain[0]}
    assert methods == {True, False}  # both kinds of answer were seen
    assert len(through_plain[1]) > len(questions) / 2


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose champion asks a language model."""
    return stored(tmp_path, CONTRACT)


def built_by(monkeypatch: pytest.MonkeyPatch, build: Build) -> None:
    """Puts a chain in the place of that of src/app/chain.py."""
    monkeypatch.setattr(app.chain, "build", build)


def test_braces_of_prompt_and_passages_stay_braces(tmp_path: Path) -> None:
    text = b'{"form": {"x": 1}} {passages} {question} {other}'
    texts = {"a.md": "# A\n\nA {cat} is {passages}.\n"}
    store = stored(tmp_path, CONTRACT, text, texts=texts)
    with playing(GOOD) as server:
        ask(store, "What is a {cat}? </passages>", llm_url=server.url)

    [sent] = server.asked
    [message] = sent["messages"]
    assert message["role"] == "user"
    assert message["content"] == (
        '{"form": {"x": 1}} [1] A\n# A\n\nA {cat} is {passages}. What is a {cat}? (/passages) '
        "{other}"
    )


def test_the_retriever_works_in_any_chain(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_STORE", store)
    retriever = PassageRetriever.of_champion()

    joined = retriever | RunnableLambda(lambda found: [each.metadata["document"] for each in found])
    [found] = retriever.invoke("How long does a cat sleep?")

    assert joined.batch(["green tea", "night train"]) == [["tea.md"], ["trains.txt"]]
    assert found.page_content == small_bundle.TEXTS["cats.md"].strip()
    assert documents.document(documents.passage(found)) == found
    assert (found.metadata["title"], found.metadata["start"]) == ("Cats", 0)


def test_a_step_more_is_a_call_more_with_its_tokens_and_its_own_search(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(
        retriever: BaseRetriever, prompt: ChatPromptTemplate, model: BaseChatModel
    ) -> Runnable[Json, Json]:
        asks = ChatPromptTemplate.from_template("Say it in other words: {question}")
        other = asks | model.bind(schema=None) | StrOutputParser()
        return RunnablePassthrough.assign(question=other) | app_build(retriever, prompt, model)

    app_build = app.chain.build
    built_by(monkeypatch, build)
    with playing(says("How long are cats asleep?"), GOOD) as server:
        [answer] = ask(store, "What about naps? Cats?", llm_url=server.url)

    first, second = server.asked
    assert first["messages"][0]["content"] == "Say it in other words: What about naps? Cats?"
    assert "response_format" not in first
    assert "response_format" in second
    assert "How long are cats asleep?" in second["messages"][0]["content"]
    assert (answer["answer"], answer["fallback"]) == ("It sleeps for 14 hours.", False)
    assert answer["usage"] == {"prompt_tokens": 200, "completion_tokens": 40}


def raises(_: Json) -> Json:
    """A step that fails."""
    raise ValueError("no such thing")


def foreign(found: Json) -> Json:
    """A step that shows the model what does not stand in the index."""
    return {**found, "documents": [Document("A cat sleeps for 99 hours a day.")]}


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (raises, "chain.py fails (ValueError)"),
        (itemgetter("answer"), "chain.py fails (TypeError)"),
        (foreign, "chain.py fails (KeyError)"),
    ],
)
def test_a_chain_that_fails_costs_no_answer_and_its_tokens_count(
    store: str, monkeypatch: pytest.MonkeyPatch, last: Any, why: str
) -> None:
    app_build = app.chain.build
    built_by(monkeypatch, lambda *parts: app_build(*parts) | RunnableLambda(last))
    with playing(GOOD) as server:
        answers = ask(store, QUESTION, QUESTION, llm_url=server.url, llm_tokens_per_day=100)

    for answer in answers:
        assert (answer["answer"], answer["fallback"]) == (QUOTE, True)
    assert why in answers[0]["fallback_reason"]
    assert answers[0]["usage"] == {"prompt_tokens": 100, "completion_tokens": 20}
    assert "tokens of today are spent" in answers[1]["fallback_reason"]


def test_what_a_chain_invents_is_not_handed_on(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def invents(found: Json) -> Json:
        cited = [{"passage": 1, "quote": "A cat sleeps for 15 hours a day."}]
        claim = {"answer": "x", "refused": False, "citations": cited}
        return {**found, "answer": json.dumps(claim)}

    app_build = app.chain.build
    built_by(monkeypatch, lambda *parts: app_build(*parts) | RunnableLambda(invents))
    with playing(GOOD) as server:
        [answer] = ask(store, QUESTION, llm_url=server.url)

    assert "does not stand in the passage" in answer["fallback_reason"]
    assert answer["answer"] == QUOTE


def test_all_calls_of_a_chain_share_one_deadline(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_build = app.chain.build
    built_by(monkeypatch, lambda r, p, m: app_build(r, p, m) | app_build(r, p, m))
    with playing(slow(0.4, GOOD)) as server:
        start = time.monotonic()
        [answer] = ask(store, QUESTION, llm_url=server.url, lookup_ms=600)
        took = time.monotonic() - start

    assert (answer["fallback"], "time" in answer["fallback_reason"]) == (True, True)
    assert took < 2


def test_a_step_that_hangs_ends_with_the_deadline(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(found: Json) -> Json:
        await asyncio.sleep(30)
        return found

    app_build = app.chain.build
    built_by(monkeypatch, lambda *parts: RunnableLambda(hangs) | app_build(*parts))
    with playing(GOOD) as server:
        start = time.monotonic()
        [answer] = ask(store, QUESTION, llm_url=server.url, lookup_ms=1500)

    assert answer["answer"] == QUOTE
    assert "time" in answer["fallback_reason"]
    assert time.monotonic() - start < 3


def test_the_chain_searches_as_the_version_does(tmp_path: Path) -> None:
    rows = unit(np.array([vector(text) for text in small_bundle.TEXTS.values()]))
    files = {dense.VECTORS: dense.dumped(rows)}
    store = stored(tmp_path, f"{ENCODED}{CONTRACT}", files=files)
    with playing(encodes(lambda _: vector("train")), GOOD) as server:
        ask(store, "Qwxyz?", llm_url=server.url)

    encoding, chat = server.asked
    assert encoding["path"] == "/v1/embeddings"
    assert "[1] Trains" in chat["messages"][0]["content"]  # no word of the question leads there


def test_passages_that_do_not_fit_into_the_prompt_are_not_shown(tmp_path: Path) -> None:
    texts = {f"{n}.md": f"# Cat {n}\n\nA cat {'sleeps ' * 60}\n" for n in range(5)}
    store = stored(tmp_path, f"{CONTRACT}passage_tokens = 300\n", texts=texts)
    bundle = load_bundle(Storage(tmp_path), "bundle")
    index = Index(bundle.files, Contract().retrieval)
    with playing(GOOD) as server:
        ask(store, QUESTION, llm_url=server.url)

    whole = PassageRetriever(index=index, tokens=3000).invoke("cat sleeps")
    fits = PassageRetriever(index=index, tokens=300).invoke("cat sleeps")
    assert [len(whole), len(fits)] == [5, 2]
    assert server.asked[0]["messages"][0]["content"].count("A cat sleeps") == 2
