"""Answers of one version: search, then a sentence of the documents or a language model."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.answering import grounds, guards, prompt, sentences, watched
from engine.answering.cache import Cache
from engine.answering.endpoint import Endpoint, EndpointError, Usage
from engine.contract import app
from engine.registry.bundle import PROMPT, Bundle
from engine.retrieval.dense import Vectors
from engine.retrieval.index import Found, Index
from engine.retrieval.lexical import Passage

Json = dict[str, Any]
Tell = Callable[[str, Json], object]
NOTHING = "nothing in the documents supports an answer"
UNKNOWN = "no word of the question stands in the documents"
BASELINE = "extractive"


class Asked(NamedTuple):
    """A question, and what was found out before it is answered."""

    question: str
    vector: Vectors | None = None
    claim: grounds.Claim | None = None
    shown: tuple[Passage, ...] = ()
    """The passages that the language model was given."""
    usage: Usage | None = None
    trouble: str = ""
    """Why encoder or language model did not help; the answer is marked as a fallback."""
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
    """A version, opened; any thread may use it."""

    def __init__(self, bundle: Bundle) -> None:
        self.contract, self._prompt = bundle.contract, bundle.files[PROMPT]
        self._prompt_version = prompt.version(self._prompt)
        self.index = Index(bundle.files, bundle.contract.retrieval)
        self.model, self.guard = bundle.contract.answer.model, bundle.contract.guard
        self.refuse_below = bundle.contract.answer.refuse_below

    @property
    def asks(self) -> bool:
        """Whether a question needs an endpoint before it is answered."""
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
        *,
        tell: Tell | None = None,
        cache: Cache | None = None,
        barred: str = "",
    ) -> Asked:
        """What encoder and language model say; it never raises for what they do not.

        Where `barred` says why they may not be asked, only what the cache holds can help.
        """
        end = asyncio.get_running_loop().time() + seconds
        if guards.question(question, self.guard)[1]:
            return Asked(question, tell=tell)
        if barred and (cache is None or self.index.asks_encoder):
            return Asked(question, trouble=barred, tell=tell)
        vector, trouble = None, "" if endpoint else "no endpoint is set (llm_url in settings.toml)"
        if endpoint and self.index.asks_encoder:
            name = self.contract.retrieval.encoder_model
            with watched.step("embed", model=name, url=endpoint.embed_url) as step:
                try:
                    vector = (await endpoint.embed(name, [question], seconds=seconds))[0]
                    step.note(dimensions=len(vector))
                except EndpointError as error:
                    step.fail(error.kind)
                    trouble = f"the encoder: {error}"
        if not endpoint or not self.model:
            return Asked(question, vector, trouble=trouble, tell=tell)
        found = await asyncio.to_thread(self._search, question, vector, None)
        if not found.passages:  # nothing that a model could cite: it is not asked
            return Asked(question, vector, trouble=trouble, tell=tell, found=found)
        if cache and (known := cache.find(question, self._vector(question, vector), found)):
            claim, seen = known
            return Asked(
                question,
                vector,
                claim,
                seen,
                trouble=trouble,
                tell=tell,
                found=found,
                is_cached=True,
            )
        if barred:
            return Asked(question, vector, trouble=barred, tell=tell, found=found)
        if tell:
            tell("search", self._sources(found, self.model))
        shown = prompt.fitting(found.passages, self.contract.answer.passage_tokens)
        text = prompt.filled(self._prompt, question, shown)
        most = self.contract.answer.max_tokens
        with watched.step(
            "chat",
            model=self.model,
            url=endpoint.chat_url,
            max_tokens=most,
            temperature=0.0,
            form="json",
            prompt=self.contract.answer.prompt,
            prompt_version=self._prompt_version,
            told=text,
            is_private=not self.contract.privacy.log_questions,
        ) as step:
            try:
                left = end - asyncio.get_running_loop().time()
                said = await endpoint.chat(
                    self.model, text, max_tokens=most, schema=grounds.SCHEMA, seconds=left
                )
            except EndpointError as error:
                step.fail(error.kind)
                step.note(**_counted(error.usage))
                reason = f"the language model: {error}"
                return Asked(question, vector, usage=error.usage, trouble=reason, found=found)
            step.note(answered_by=said.model, response=said.id, said=said.text)
            step.note(finish=[said.finish] if said.finish else None, **_counted(said.usage))
        try:
            claim = grounds.claim(said.text)
        except grounds.Unfounded as error:
            return Asked(question, vector, usage=said.usage, trouble=str(error), found=found)
        return Asked(question, vector, claim, tuple(shown), said.usage, trouble, found=found)

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
            own = self._vector(asked.question, asked.vector)
            cache.keep(asked.question, own, asked.claim, asked.shown)
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
            return self.index.search(asked.question, vector=asked.vector)
        return self._search(asked.question, asked.vector, asked.within)

    def _search(self, question: str, vector: Vectors | None, within: Any) -> Found:
        with watched.step(
            "search",
            within,
            top_k=self.contract.retrieval.passages,
            index=self.contract.corpus.folder,
            query=question,
            is_private=not self.contract.privacy.log_questions,
        ) as step:
            found = self.index.search(question, vector=vector)
            step.note(documents=watched.names(found.passages))
        return found

    def _vector(self, question: str, given: Vectors | None) -> Vectors | None:
        return self.index.vector(question) if given is None else given

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


def _counted(usage: Usage | None) -> Json:
    return {"input_tokens": usage.prompt, "output_tokens": usage.completion} if usage else {}


def _usage(usage: Usage | None) -> Json:
    if usage is None:
        return {}
    return {"usage": {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion}}
