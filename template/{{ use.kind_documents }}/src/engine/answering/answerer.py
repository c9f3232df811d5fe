"""Answers of one version: search, then a sentence of the documents or a language model."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.answering import grounds, guards, prompt, sentences, watched
from engine.answering.cache import Cache
from engine.answering.language_model import chain
from engine.answering.language_model.endpoint import Endpoint, EndpointError, Usage
from engine.answering.language_model.traced import Traced
from engine.contract import app
from engine.core.settings import Settings
from engine.registry.bundle import PROMPT, Bundle
from engine.retrieval import rerank
from engine.retrieval.dense import Vectors
from engine.retrieval.index import Found, Index
from engine.retrieval.lexical import Passage
from engine.retrieval.nearest import Near, NearestError
from engine.retrieval.rerank import RERANKER, Reranker, RerankError

Json = dict[str, Any]
Tell = Callable[[str, Json], object]
NOTHING = "nothing in the documents supports an answer"
UNKNOWN = "no word of the question, but the most common, stands in the documents"
BASELINE = "extractive"
OF_RERANKER = 0.5  # of the time there is, where a language model has to answer as well


class Asked(NamedTuple):
    """A question, and what was found out before it is answered."""

    question: str
    vector: Vectors | None = None
    ranked: tuple[Passage, ...] = ()
    """The best passages in the order of the reranker; empty where that of the search holds."""
    claim: grounds.Claim | None = None
    shown: tuple[Passage, ...] = ()
    """The passages that the language model was given."""
    usage: Usage | None = None
    trouble: str = ""
    """Why encoder, store, reranker or language model did not help; the answer is then marked."""
    near: Near | None = None
    """The nearest passages, where they come from a vector store."""
    tell: Tell | None = None
    """Whom to tell what was found, before there is an answer; from any thread."""
    began: float = 0.0
    """When it was asked, in seconds of the monotonic clock."""
    within: Any = None
    """Which step of `watched` it is part of."""
    found: Found | None = None
    """What was searched before the language model was asked."""
    is_cached: bool = False
    """Whether the claim was made for an earlier question."""


class Answerer:
    """A version, opened; any thread may use it. Without `settings` no vector store is asked."""

    def __init__(self, bundle: Bundle, settings: Settings | None = None) -> None:
        self.contract, self._prompt_version = bundle.contract, prompt.version(bundle.files[PROMPT])
        self.index = Index(bundle.files, bundle.contract.retrieval, settings)
        self._chain = chain.opened(bundle.contract.answer, bundle.files[PROMPT], self.index)
        self.model, self.guard = bundle.contract.answer.model, bundle.contract.guard
        self.refuse_below = bundle.contract.answer.refuse_below
        self.reranks = RERANKER in bundle.files
        self._patience = settings.vector_ms / 1000 if settings else 0.0

    @property
    def asks(self) -> bool:
        """Whether a question waits for others before it is answered."""
        return self.asks_endpoint or self.index.asks_store or self.reranks

    @property
    def asks_endpoint(self) -> bool:
        """Whether one of them is a language model or an encoder."""
        return bool(self.model) or self.index.asks_encoder

    def refusing_below(self, least: float) -> "Answerer":
        """The same version with another threshold, to see what it would do."""
        other = copy.copy(self)
        other.refuse_below = least
        return other

    async def prepare(
        self,
        question: str,
        endpoint: Endpoint | None,
        seconds: float,
        reranker: Reranker | None = None,
        *,
        tell: Tell | None = None,
        cache: Cache | None = None,
        barred: str = "",
    ) -> Asked:
        """What encoder, vector store, reranker and language model say.

        It never raises for what they do not. Where `barred` says why encoder and language model may
        not be asked, only what the cache holds can help.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        if guards.question(question, self.guard)[1]:
            return Asked(question, tell=tell)
        asked = await self._found(question, None if barred else endpoint, reranker, end)
        asked = asked._replace(tell=tell)
        if barred and (cache is None or self.index.asks_encoder):
            return asked._replace(trouble=barred)
        if not endpoint and self.asks_endpoint:
            lacks = "no endpoint is set (llm_url in settings.toml)"
            return asked._replace(trouble=asked.trouble or lacks)
        if not endpoint or not self.model:
            return asked
        found = await asyncio.to_thread(self._search, asked, None)
        asked = asked._replace(found=found)
        if not found.passages:  # nothing that a model could cite: it is not asked
            return asked
        if cache and (known := cache.find(question, self._vector(asked), found)):
            claim, seen = known
            return asked._replace(claim=claim, shown=seen, is_cached=True)
        if barred:
            return asked._replace(trouble=barred)
        if tell:
            tell("search", self._sources(found, self.model))
            asked = asked._replace(tell=None)

        async def find(other: str) -> tuple[Passage, ...]:
            if other in (question, prompt.inside(question)):
                return tuple(found.passages)
            return await self._best(await self._found(other, endpoint, reranker, end))

        heard = await self._chain.ask(question, find, self._traced(endpoint), end - clock())
        asked = asked._replace(usage=heard.usage)
        if heard.trouble:
            return asked._replace(trouble=f"the language model: {heard.trouble}")
        try:
            return asked._replace(claim=grounds.claim(heard.text), shown=heard.shown)
        except grounds.Unfounded as error:
            return asked._replace(trouble=str(error))

    def _traced(self, endpoint: Endpoint) -> Traced:
        return Traced(
            endpoint,
            prompt=self.contract.answer.prompt,
            prompt_version=self._prompt_version,
            is_private=not self.contract.privacy.log_questions,
        )

    async def _found(
        self, question: str, endpoint: Endpoint | None, reranker: Reranker | None, end: float
    ) -> Asked:
        """The question with its vector, its neighbours and their order, or with why not."""
        clock, retrieval = asyncio.get_running_loop().time, self.contract.retrieval
        asked = Asked(question)
        if endpoint and self.index.asks_encoder:
            name, left = retrieval.encoder_model, end - clock()
            with watched.step("embed", model=name, url=endpoint.embed_url) as step:
                try:
                    vector = (await endpoint.embed(name, [question], seconds=left))[0]
                    step.note(dimensions=len(vector))
                    asked = asked._replace(vector=vector)
                except EndpointError as error:
                    step.fail(error.kind)
                    asked = asked._replace(trouble=f"the encoder: {error}")
        if self.index.asks_store:
            asked = await self._neighbours(asked, end - clock())
        if not self.reranks or not reranker:
            return asked
        pool = await asyncio.to_thread(self._passages, asked, retrieval.pool)
        left = (end - clock()) * (OF_RERANKER if self.model else 1)
        try:
            best = await rerank.reordered(reranker, question, pool, left)
        except RerankError as error:
            return asked._replace(trouble=asked.trouble or f"the reranker: {error}")
        return asked._replace(ranked=tuple(best[: retrieval.passages]))

    async def _neighbours(self, asked: Asked, seconds: float) -> Asked:
        """The question with what is near it in the vector store, or with why not."""
        search = asyncio.to_thread(self.index.near, asked.question, asked.vector)
        try:
            near = await asyncio.wait_for(search, min(self._patience, seconds))
            return asked._replace(near=near)
        except NearestError as error:
            said = str(error)
        except TimeoutError:
            said = "the vector store did not answer within vector_ms"
        return asked._replace(trouble=asked.trouble or said)

    async def _best(self, asked: Asked) -> tuple[Passage, ...]:
        return asked.ranked or await asyncio.to_thread(self._passages, asked)

    def _passages(self, asked: Asked, limit: int = 0) -> tuple[Passage, ...]:
        found = self.index.search(asked.question, limit, asked.vector, asked.near)
        return tuple(found.passages)

    def answer(self, asked: Asked, cache: Cache | None = None) -> Json:
        """The answer to a question: `answer`, `refused`, `reason`, `method`, `citations`, and how.

        Raises what `decide` in src/app/decide.py raises.
        """
        found = asked.found or self._search_within(asked)
        if asked.tell:
            asked.tell("search", self._sources(found, None))
        best = sentences.best(asked.question, found.passages, self.index)
        made, trouble = None, asked.trouble
        marks, reason = guards.question(asked.question, self.guard)
        if reason:
            made = _refusal(BASELINE, reason)
        elif asked.claim:
            try:
                made = self._modelled(asked.claim, [*asked.shown])
            except grounds.Unfounded as error:
                trouble = str(error)
        if made is None:
            made = self._extracted(best, UNKNOWN if not found.passages else NOTHING)
        elif cache and asked.claim and not asked.is_cached and not asked.trouble:
            cache.keep(asked.question, self._vector(asked), asked.claim, asked.shown)
        made, kinds = guards.answer(made, self.guard)
        answer = {
            **made,
            **({"guard": marks + kinds} if marks or kinds else {}),
            **({"cached": True} if asked.is_cached and not trouble else {}),
            "fallback": bool(trouble),
            **({"fallback_reason": trouble} if trouble else {}),
            "search": _search(found, best),
            **_usage(asked.usage),
        }
        return {**answer, **app.decide().decide(asked.question, answer)}

    def _search_within(self, asked: Asked) -> Found:
        if asked.within is None:  # nobody follows, or it is a trial
            return self._ordered(asked)
        return self._search(asked, asked.within)

    def _ordered(self, asked: Asked) -> Found:
        """The passages to answer from, in the order of the reranker where there is one."""
        found = self.index.search(asked.question, vector=asked.vector, near=asked.near)
        return found._replace(passages=[*asked.ranked]) if asked.ranked else found

    def _search(self, asked: Asked, within: Any) -> Found:
        with watched.step(
            "search",
            within,
            top_k=self.contract.retrieval.passages,
            index=self.contract.corpus.folder,
            query=asked.question,
            is_private=not self.contract.privacy.log_questions,
        ) as step:
            found = self._ordered(asked)
            step.note(documents=watched.names(found.passages))
        return found

    def _vector(self, asked: Asked) -> Vectors | None:
        return self.index.encoded(asked.question, asked.vector)

    def _extracted(self, best: sentences.Sentence | None, otherwise: str) -> Json:
        if best is None or best.covers < self.refuse_below:
            return _refusal(BASELINE, otherwise)
        citation = _citation(best.passage, best.start, best.end)
        text = " ".join(best.text.split())
        return _answer(text, BASELINE, [citation])

    def _sources(self, found: Found, asks: str | None) -> Json:
        """Where an answer may come from, and which language model is asked for it."""
        places = [
            guards.place(
                {
                    "document": passage.document,
                    "title": passage.title,
                    "heading": passage.heading,
                    **({"url": passage.url} if passage.url else {}),
                },
                self.guard,
            )
            for passage in found.passages
        ]
        return {"sources": places, "asks": asks}

    def _modelled(self, claim: grounds.Claim, shown: list[Passage]) -> Json:
        if claim.refused:
            return _refusal(self.model, NOTHING)
        places = grounds.cited(claim, shown)
        return _answer(claim.answer.strip(), self.model, [_citation(*place) for place in places])


def _answer(text: str, method: str, citations: list[Json]) -> Json:
    return {
        "answer": text,
        "refused": False,
        "reason": None,
        "method": method,
        "citations": citations,
    }


def _refusal(method: str, reason: str) -> Json:
    return {
        "answer": None,
        "refused": True,
        "reason": reason,
        "method": method,
        "citations": [],
    }


def _citation(passage: Passage, start: int, end: int) -> Json:
    """A citation: the quote stands at `start` to `end` of the document's text."""
    inside = passage.text[start - passage.start : end - passage.start]
    return {
        "document": passage.document,
        "title": passage.title,
        "heading": passage.heading,
        "start": start,
        "end": end,
        "quote": inside,
        "before": passage.text[: start - passage.start],
        "after": passage.text[end - passage.start :],
        **({"url": passage.url} if passage.url else {}),
    }


def _search(found: Found, best: sentences.Sentence | None) -> Json:
    said: Json = {"bm25": round(found.bm25, 4), "covers": round(best.covers, 4) if best else 0.0}
    if found.cosine is not None:
        said["cosine"] = round(found.cosine, 4)
    return said


def _usage(usage: Usage | None) -> Json:
    if usage is None:
        return {}
    return {"usage": {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion}}
