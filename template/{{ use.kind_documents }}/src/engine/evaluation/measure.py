"""Asks an index the questions of the set: how it searches, answers and refuses, and how fast."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.answering.answerer import Answerer, Asked
from engine.answering.language_model.endpoint import Endpoint, EndpointError
from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.evaluation import metrics
from engine.evaluation.questions import Question, Questions
from engine.registry.runs import Slice, Threshold
from engine.retrieval.dense import Vectors
from engine.retrieval.index import Index
from engine.retrieval.lexical import Passage
from engine.retrieval.rerank import Reranker

Json = dict[str, Any]
SPLITS = ("dev", "test")
TIMED = 2  # times that a question is answered
BUILD_SECONDS = 3600.0  # that encoding a corpus may take
TRIED = (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
LENGTHS = ((6, "up to 6 words"), (9, "7 to 9 words"), (999, "10 words and more"))


class Measured(NamedTuple):
    """What the questions found."""

    metrics: dict[str, float]
    thresholds: list[Threshold]
    slices: list[Slice]
    p99_ms: float
    by_model: int
    """How many answers came from the language model."""
    fallbacks: dict[str, int]
    """Why the others did not, by how often."""
    typical: dict[str, list[float]]
    """Deciles of what the search says of questions that have an answer."""
    given: dict[str, Json]
    """The answers, by the question's id."""


def pools(
    index: Index,
    questions: Sequence[Question],
    pool: int,
    vectors: Sequence[Vectors | None] | Vectors | None = None,
) -> list[list[Passage]]:
    """What an index finds for each question, at most `pool` passages, the best first.

    `vectors` [questions, dimensions] are needed where the index asks an encoder. Raises
    NearestError where a vector store fails.
    """
    given: list[Vectors | None] = [None] * len(questions) if vectors is None else [*vectors]
    return [
        index.search(question.question, pool, near=index.near(question.question, vector)).passages
        for question, vector in zip(questions, given, strict=True)
    ]


def encoded(texts: Sequence[str], model: str, settings: Settings) -> Vectors:
    """The vectors of texts by the encoder at the endpoint.

    Raises RunError when it does not give them.
    """

    async def ask() -> Vectors:
        endpoint = Endpoint(settings)
        try:
            return await endpoint.embed(model, texts, seconds=BUILD_SECONDS)
        finally:
            await endpoint.close()

    try:
        return asyncio.run(ask())
    except EndpointError as error:
        raise RunError(
            f"the encoder {model!r} gave no vectors: {error}. encoder_url or llm_url in "
            "settings.toml says where it is; without one, set retrieval.dense in contract.toml to "
            '"measured" or "none"'
        ) from None


def prepared(
    answerer: Answerer,
    questions: Sequence[Question],
    settings: Settings,
    reranker: Reranker | None = None,
) -> list[Asked]:
    """The questions with what encoder, store, reranker and language model say, if there are any."""
    index, there = answerer.index, settings.llm_url + settings.encoder_url
    if not (answerer.asks_endpoint and there) and not (answerer.reranks and reranker):
        asked = [question.question for question in questions]
        return [Asked(each, near=index.near(each) if index.asks_store else None) for each in asked]

    async def ask() -> list[Asked]:
        endpoint = Endpoint(settings) if there else None
        seconds = settings.lookup_ms / 1000

        async def one(question: Question) -> Asked:
            return await answerer.prepare(question.question, endpoint, seconds, reranker)

        try:
            found = list[Asked]()
            for start in range(0, len(questions), settings.llm_at_once):
                some = questions[start : start + settings.llm_at_once]
                found += await asyncio.gather(*map(one, some))
            return found
        finally:
            if endpoint:
                await endpoint.close()
            if reranker:
                await reranker.close()

    return asyncio.run(ask())


def measure(
    answerer: Answerer, questions: Questions, settings: Settings, reranker: Reranker | None = None
) -> Measured:
    """Everything that gates, card and records say of an index."""
    given, seconds = dict[str, Json](), list[float]()
    ready = prepared(answerer, questions.asked, settings, reranker)
    for asked, question in zip(ready, questions.asked, strict=True):
        took = list[float]()
        for _ in range(TIMED):  # another process may take the processor meanwhile
            start = time.perf_counter()
            given[question.id] = answerer.answer(asked)
            took.append(time.perf_counter() - start)
        seconds.append(min(took))
    found = dict[str, float]()
    for split in SPLITS:
        right = questions.part(split, answerable=True)
        if not right:
            continue
        answers = metrics.answers(right, [given[q.id] for q in right])
        found |= {f"{split}.{name}": value for name, value in answers.items()}
        for name in ("absent", "outside"):
            some = [given[q.id] for q in questions.without(split, name)]
            if some:
                found[f"{split}.refused_{name}"] = metrics.refused(some)
    reasons = [a["fallback_reason"] for a in given.values() if a["fallback"]]
    return Measured(
        {name: round(value, 6) for name, value in found.items() if value == value},
        _thresholds(answerer, questions, ready),
        _slices(questions, given),
        float(np.percentile(seconds, 99) * 1000) if seconds else 0.0,
        sum(answer["method"] != "extractive" for answer in given.values()),
        {reason: reasons.count(reason) for reason in sorted({*reasons})},
        _typical([given[q.id]["search"] for q in questions.asked if q.answerable]),
        given,
    )


def _typical(searches: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    names = sorted({name for search in searches for name in search})
    return {
        name: np.percentile([s[name] for s in searches if name in s], range(0, 101, 10))
        .round(4)
        .tolist()
        for name in names
    }


def _thresholds(
    answerer: Answerer, questions: Questions, ready: Sequence[Asked]
) -> list[Threshold]:
    """What other thresholds would do to the dev questions; only for extractive answers."""
    if answerer.model or not questions.part("dev", answerable=True):
        return []
    loose = answerer.refusing_below(0.0)
    every = zip(questions.asked, ready, strict=True)
    free = {q.id: loose.answer(asked) for q, asked in every if q.split == "dev"}
    rows = []
    for least in sorted({*TRIED, answerer.contract.answer.refuse_below}):

        def shut(question: Question, least: float = least) -> bool:
            answer = free[question.id]
            return bool(answer["refused"] or answer["search"]["covers"] < least)

        right = questions.part("dev", answerable=True)
        kept = [q for q in right if not shut(q)]
        refused = [
            metrics.mean([shut(q) for q in some]) if some else None
            for some in (questions.without("dev", "absent"), questions.without("dev", "outside"))
        ]
        correct = sum(metrics.is_correct(q, free[q.id]) for q in kept) / len(right)
        rows.append(Threshold(least, len(kept) / len(right), correct, *refused))
    return rows


def _slices(questions: Questions, given: dict[str, Json]) -> list[Slice]:
    """Test questions with an answer, by the format of their document, their length and language."""
    right = questions.part("test", answerable=True)
    groups: dict[tuple[str, str], list[Question]] = {}
    for question in right:
        many = len(question.question.split())
        length = next(name for most, name in LENGTHS if many <= most)
        kind = question.documents[0].rpartition(".")[2]
        for key in (("format", kind), ("length", length), ("language", question.language)):
            groups.setdefault(key, []).append(question)
    return [
        Slice(
            of,
            name,
            len(some),
            metrics.mean([not given[q.id]["refused"] for q in some]),
            metrics.mean([metrics.is_correct(q, given[q.id]) for q in some]),
        )
        for (of, name), some in sorted(groups.items())
    ]
