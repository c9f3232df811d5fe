"""A rerank service that is good, slow, wrong, busy or down: the order, the reason, the time."""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from engine.contract.schema import Retrieval
from engine.core.errors import ContractError, RunError
from engine.core.settings import Settings
from engine.retrieval import rerank
from engine.retrieval.rerank import RERANKER

from . import two_documents
from .stand_in import StandIn, Step, breaks, claims, playing, sends, slow
from .test_endpoint import ask, stored

MODEL = "rerank-small"
NAMED = f'rerank_model = "{MODEL}"\n'
ONE = f"[retrieval]\n{NAMED}passages = 1\n[answer]\nrefuse_below = 0.1\n"
FILES = {RERANKER: MODEL.encode()}
Json = dict[str, Any]

# What the published schemas take: Cohere v2 (docs.cohere.com/reference/rerank), Jina and vLLM a
# superset of it; TEI (huggingface.github.io/text-embeddings-inference, RerankRequest).
COHERE = {"model": str, "query": str, "documents": list, "top_n": int, "max_tokens_per_doc": int}
TEI = {
    "query": str, "texts": list, "raw_scores": bool, "return_text": bool, "truncate": bool,
    "truncation_direction": str,
}  # fmt: skip


def scored(by: Callable[[str], float], api: str = "cohere") -> Step:
    """A service that holds a request to the schema and scores each text."""
    takes, needed, texts = (
        (TEI, {"query", "texts"}, "texts")
        if api == "tei"
        else (COHERE, {"model", "query", "documents"}, "documents")
    )

    def step(handler: BaseHTTPRequestHandler, body: Json) -> None:
        right = needed <= body.keys() <= takes.keys() and all(
            isinstance(value, takes[name]) for name, value in body.items()
        )
        if not right or not all(isinstance(text, str) for text in body[texts]):
            sends(422, {"message": f"not the schema: {sorted(body)}"})(handler, body)
            return
        rows = [(place, by(text)) for place, text in enumerate(body[texts])]
        rows.sort(key=lambda row: -row[1])
        if api == "tei":
            sends(200, [{"index": p, "score": s} for p, s in rows])(handler, body)
            return
        results = [{"index": p, "relevance_score": s} for p, s in rows]
        sends(200, {"id": "x", "results": results, "meta": {}})(handler, body)

    return step


def hours(text: str) -> float:
    """Good: hours answer "how long"."""
    return float("hours" in text)


def words(text: str) -> float:
    """Bad: a text that only repeats the question."""
    return float(text.lower().count("long"))


GOOD, BAD = scored(hours), scored(words)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose champion was measured with the service."""
    return stored(tmp_path, ONE, texts=two_documents.TEXTS, files=FILES)


def at(server: StandIn, api: str = "cohere") -> Json:
    """The settings for a stand-in."""
    return {"rerank_url": f"{server.url}/rerank", "rerank_api": api}


@pytest.mark.parametrize("api", ["cohere", "tei"])
def test_answers_come_in_the_order_of_the_service(store: str, api: str) -> None:
    with playing(scored(hours, api)) as server:
        [answer] = ask(store, two_documents.QUESTION, rerank_key="a-key", **at(server, api))

    assert answer["citations"][0]["document"] == two_documents.RIGHT
    assert answer["fallback"] is False
    [sent] = server.asked
    assert (sent["path"], sent["query"]) == ("/v1/rerank", two_documents.QUESTION)
    assert len(sent["texts" if api == "tei" else "documents"]) == 2
    assert server.keys == ["Bearer a-key"]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (sends(401, {"message": "invalid api token"}), "it answered 401"),
        (sends(500, {}), "it answered 500"),
        (sends(200, b"<html>"), "not the answer of a reranker"),
        (sends(200, [{"index": 0, "score": 1.0}]), "not the answer of a reranker"),
        (sends(200, {"results": []}), "0 scores for 2 passages"),
        (
            sends(200, {"results": [{"index": n, "relevance_score": 1.0} for n in (1, 2)]}),
            "or wrong places",
        ),
        (
            sends(200, {"results": [{"index": 1, "relevance_score": 1.0}] * 2}),
            "or wrong places",
        ),
        (sends(200, b'{"results": [{"index": 0, "relevance_score": NaN}]}'), "not the answer"),
        (breaks, "cannot be reached"),
    ],
)
def test_what_is_no_ranking_leaves_the_order_of_the_search_and_is_marked(
    store: str, step: Step, why: str
) -> None:
    with playing(step) as server:
        [answer] = ask(store, two_documents.QUESTION, llm_attempts=1, **at(server))

    assert answer["citations"][0]["document"] == two_documents.DECOY
    assert answer["fallback"] is True
    assert answer["fallback_reason"].startswith("the reranker: ")
    assert why in answer["fallback_reason"]


def test_a_service_that_is_down_or_not_named_costs_no_answer(store: str) -> None:
    [down] = ask(store, two_documents.QUESTION, rerank_url="http://127.0.0.1:9/rerank")
    [unnamed] = ask(store, two_documents.QUESTION)

    for answer, why in ((down, "cannot be reached"), (unnamed, "rerank_url in settings.toml")):
        assert answer["citations"][0]["document"] == two_documents.DECOY
        assert why in answer["fallback_reason"]


def test_a_busy_service_is_asked_again(store: str) -> None:
    with playing(sends(429, {}, retry_after="0"), sends(503, {}), GOOD) as server:
        [answer] = ask(store, two_documents.QUESTION, **at(server))

    assert (answer["fallback"], len(server.asked)) == (False, 3)


@pytest.mark.parametrize("step", [slow(3, GOOD), sends(429, {}, retry_after="60")])
def test_all_attempts_share_the_deadline_of_the_answer(store: str, step: Step) -> None:
    with playing(step) as server:
        start = time.monotonic()
        [answer] = ask(store, two_documents.QUESTION, lookup_ms=500, **at(server))
        took = time.monotonic() - start

    assert "no answer within the time" in answer["fallback_reason"]
    assert took < 2


def test_a_slow_service_leaves_time_for_the_language_model(tmp_path: Path) -> None:
    asks = ONE.replace("[answer]\n", '[answer]\nmodel = "small-model"\n')
    store = stored(tmp_path, asks, texts=two_documents.TEXTS, files=FILES)
    good = claims("Long.", (1, "Cat sleep: how long, how long."))
    with playing(slow(3, GOOD)) as service, playing(good) as model:
        [answer] = ask(
            store, two_documents.QUESTION, llm_url=model.url, lookup_ms=2000, **at(service)
        )

    assert (answer["method"], answer["answer"]) == ("small-model", "Long.")
    assert (answer["fallback"], "the reranker" in answer["fallback_reason"]) == (True, True)


@pytest.mark.parametrize(
    ("step", "more", "hit"),
    [
        (GOOD, NAMED, True),
        (BAD, NAMED, False),
        (BAD, f'{NAMED}rerank = "always"\n', True),
        (GOOD, f'{NAMED}rerank = "none"\n', False),
    ],
)
def test_a_version_reranks_where_the_dev_questions_fare_better(
    tmp_path: Path, step: Step, more: str, hit: bool
) -> None:
    with playing(step) as server:
        record, bundle = two_documents.built(tmp_path, Settings(**at(server)), more)

    found = record.metrics
    assert (bundle / RERANKER).exists() is hit
    assert ("reranked.dev.mrr_at_10" in found) is ('"none"' not in more) is bool(server.asked)
    if server.asked:
        assert found["bm25.dev.mrr_at_10"] == 0.5  # words alone put the decoy first
        assert found["reranked.dev.mrr_at_10"] == (1.0 if step is GOOD else 0.5)
        best = "reranked" if hit else "bm25"
        assert found["search.test.ndcg_at_10"] == found[f"{best}.test.ndcg_at_10"]
        assert f"{'Reranked' if hit else 'Not reranked'} by {MODEL}: " in record.choice


def test_a_service_that_is_down_ends_a_build_with_a_sentence(tmp_path: Path) -> None:
    there = Settings(rerank_url="http://127.0.0.1:9/rerank", llm_attempts=1)

    with pytest.raises(RunError, match=f"{MODEL} gave no scores: .*reached.*rerank = .none."):
        two_documents.built(tmp_path, there, NAMED)


@pytest.mark.parametrize(
    ("url", "model", "why"),
    [
        ("", MODEL, "rerank_url in settings.toml is empty"),
        ("api.example.com/rerank", MODEL, "it begins with https://"),
        ("https://api.example.com/rerank", "", "rerank_model in contract.toml names no model"),
    ],
)
def test_what_is_missing_is_named_and_insisting_on_it_is_refused(
    url: str, model: str, why: str
) -> None:
    settings = Settings(rerank_url=url)

    assert rerank.wanted(settings, Retrieval(rerank_model=model)) is None
    assert why in rerank.warning(settings, Retrieval(rerank_model=model))
    with pytest.raises(ContractError, match=f'is "always", but .*{why}'):
        rerank.wanted(settings, Retrieval(rerank_model=model, rerank="always"))
