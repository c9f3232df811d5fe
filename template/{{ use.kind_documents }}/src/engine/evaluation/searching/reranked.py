"""What a reranker makes of the questions: how a version finds documents with it, and how fast."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from engine.core.errors import RunError
from engine.core.settings import Settings
from engine.evaluation import metrics
from engine.evaluation.measure import BUILD_SECONDS, encoded, pools
from engine.evaluation.questions import Question, Questions
from engine.registry.bundle import Bundle
from engine.retrieval import rerank
from engine.retrieval.index import Index
from engine.retrieval.lexical import Passage
from engine.retrieval.rerank import RERANKER, Reranker, RerankError

WAY_OUT = 'rerank = "none" under [retrieval] in contract.toml leaves the order of the search'
Pools = Sequence[Sequence[Passage]]


class Choice(NamedTuple):
    """Whether a version reranks: the file it holds then, why, and what was measured."""

    files: dict[str, bytes]
    said: str
    metrics: dict[str, float]


def chosen(
    reranker: Reranker,
    asked: Questions,
    pooled: Mapping[str, Pools],
    search: Mapping[str, float],
    *,
    always: bool,
) -> Choice:
    """Whether the dev questions fare better in the order of the reranker; always, if so wanted.

    `pooled` are the passages found for the questions of each split, `search` the measures of their
    order. Raises RunError when the reranker gives no scores.
    """
    found, seconds = dict[str, float](), list[float]()
    for split, pool in pooled.items():
        questions = asked.part(split, answerable=True)
        orders, took = ordered(reranker, questions, pool)
        names = [[passage.document for passage in order] for order in orders]
        row = metrics.retrieval(questions, names)
        found |= {f"reranked.{split}.{name}": round(value, 6) for name, value in row.items()}
        seconds += took
    for share in (50, 99) if seconds else ():
        found[f"reranked.p{share}_ms"] = round(float(np.percentile(seconds, share)) * 1000, 1)
    files = {RERANKER: reranker.name.encode()}
    if always:
        return Choice(files, f'Reranked by {reranker.name}: rerank is "always".', found)
    alone, beside = search.get("search.dev.ndcg_at_10"), found.get("reranked.dev.ndcg_at_10")
    if alone is None or beside is None:
        return Choice({}, "Not reranked: no dev question has an answer here.", found)
    told = f"nDCG@10 of the dev questions is {beside:.4f} with it, {alone:.4f} without"
    if beside > alone:
        return Choice(files, f"Reranked by {reranker.name}: {told}.", found)
    return Choice({}, f"Not reranked by {reranker.name}: {told}.", found)


def ordered(
    reranker: Reranker, questions: Sequence[Question], pooled: Pools
) -> tuple[list[list[Passage]], list[float]]:
    """The passages of each question in the order of the reranker, and the seconds it took.

    Raises RunError when it gives no scores. The reranker is closed.
    """

    async def one(question: Question, pool: Sequence[Passage]) -> tuple[list[Passage], float]:
        start = time.perf_counter()
        order = await rerank.reordered(reranker, question.question, pool, BUILD_SECONDS)
        return order, time.perf_counter() - start

    async def every() -> list[tuple[list[Passage], float]]:
        try:  # one after the other, so that the seconds are those of a question
            return [await one(*each) for each in zip(questions, pooled, strict=True)]
        finally:
            await reranker.close()

    try:
        done = asyncio.run(every())
    except RerankError as error:
        raise RunError(f"the reranker {reranker.name} gave no scores: {error}. {WAY_OUT}") from None
    return [order for order, _ in done], [took for _, took in done]


def searched_by(
    bundle: Bundle, index: Index, questions: Sequence[Question], settings: Settings
) -> dict[str, float]:
    """How a version finds the documents of questions, with its encoder and its reranker.

    Raises RunError when one of them does not answer.
    """
    retrieval, vectors = bundle.contract.retrieval, None
    if index.asks_encoder:
        said = [question.question for question in questions]
        vectors = encoded(said, retrieval.encoder_model, settings)
    found: Pools = pools(index, questions, retrieval.pool, vectors)
    reranker = rerank.of_version(bundle.files, settings, retrieval)
    if reranker:
        found, _ = ordered(reranker, questions, found)
    return metrics.retrieval(questions, [[p.document for p in each] for each in found])
