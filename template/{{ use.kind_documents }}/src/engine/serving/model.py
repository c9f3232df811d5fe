"""Versions of an index over documents, as a server needs them."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from engine.answering import watched
from engine.answering.answerer import BASELINE, Answerer, Asked
from engine.answering.cache import Cache
from engine.answering.language_model.endpoint import Endpoint
from engine.core.errors import BundleError
from engine.core.settings import Settings
from engine.corpus.screen import blotted
from engine.registry.bundle import Bundle
from engine.retrieval import rerank
from engine.retrieval.nearest import NearestError
from engine.serving.http.pages.reports import Report
from engine.serving.protocol import Completed, Described, Json, Operation, Paths
from engine.serving.questions import counts, events, request, schema
from engine.serving.questions.budget import Budget

__all__ = ["PATHS", "REPORTS", "Counts", "Model", "Models"]

log = logging.getLogger(__name__)
Counts = counts.Counts
PATHS = Paths(
    Operation(
        path="/v1/ask",
        name="ask",
        summary="Answer a question from the documents, or refuse",
        request="AskRequest",
        response="AskResponse",
        done="An answer with its citations, or a refusal",
        events=events.ABOUT,
    ),
    Operation(
        path="/v1/feedback",
        name="giveFeedback",
        summary="Say whether an answer helped",
        request="FeedbackRequest",
        response="FeedbackResponse",
        done="Noted",
    ),
)
REPORTS = (Report("/card", "Index card", "MODEL_CARD.md", "python3 run.py up"),)
OF_ENDPOINT = 0.95  # of the time for endpoints; the rest is for the answer without them
TOOK = "took_ms"  # for the log alone
LOGGED = (
    *("refused", "reason", "method", "fallback", "fallback_reason", "cached", "guard"),
    *("search", "usage", "cost", TOOK),
)
SPENT = "the tokens of today are spent (llm_tokens_per_day in settings.toml)"
EXAMPLE = "How do I begin?"


class Model:
    """A version, opened: questions in, answers out."""

    probes = 0

    def __init__(
        self,
        version: int,
        bundle: Bundle,
        settings: Settings,
        endpoint: Endpoint | None,
        budget: Budget,
    ) -> None:
        self.version, self.manifest, self.contract = version, bundle.manifest, bundle.contract
        self.run_id, self.digest = bundle.manifest.run_id, bundle.digest
        self.answerer = Answerer(bundle, settings)
        self.looks_up = self.answerer.asks
        self.p99_ms = bundle.contract.gates.p99_ms + settings.lookup_ms * self.looks_up
        self._reranker = rerank.of_version(bundle.files, settings, bundle.contract.retrieval)
        self._endpoint, self._budget, self._project = endpoint, budget, settings.name
        self._cache = None
        if settings.cache_answers and self.answerer.model:
            self._cache = Cache(
                settings.cache_answers,
                seconds=settings.cache_seconds,
                refused_seconds=min(settings.cache_refused_seconds, settings.cache_seconds),
                cosine=settings.cache_cosine,
                hashed=not bundle.contract.privacy.log_questions,
            )
        self._price = settings.llm_prices.get(self.answerer.model)
        self._seconds = settings.lookup_ms / 1000 * OF_ENDPOINT

    @property
    def about(self) -> Json:
        """What there is to know of it."""
        manifest = self.manifest
        return {
            "version": self.version,
            "run_id": self.run_id,
            "created": manifest.created,
            "family": manifest.family,
            "answers_by": self.answerer.model or BASELINE,
            "documents": manifest.documents,
            "passages": manifest.passages,
            "prompt": manifest.prompt_version,
            "refuse_below": self.contract.answer.refuse_below,
            "metrics": manifest.metrics,
            "contract_fingerprint": manifest.contract_fingerprint,
        }

    @property
    def form(self) -> Json:
        """What the page must know."""
        return {
            "project": self._project,
            "description": self.contract.corpus.description,
            "examples": self.manifest.examples,
            "documents": self.manifest.documents,
            "answers_by": self.answerer.model or BASELINE,
            "version": self.version,
            "longest": self.contract.guard.longest_question,
        }

    def decode(self, body: bytes) -> list[Asked]:
        """The question of a request."""
        question = request.question(body, self.contract.guard.longest_question)
        return [Asked(question, began=time.monotonic(), within=watched.here())]

    def decode_outcomes(self, body: bytes) -> list[Json]:
        """What somebody thinks of an answer; a comment is kept without personal data."""
        found = request.feedback(body)
        if found.get("comment"):
            found["comment"] = blotted(found["comment"])
        return [found]

    async def complete(self, items: list[Asked]) -> Completed:
        """The question with what encoder, reranker and language model say to it."""
        found = []
        for item in items:
            barred = SPENT if self._budget.is_spent else ""
            start = time.monotonic()
            asked = await self.answerer.prepare(
                item.question,
                self._endpoint,
                self._seconds,
                self._reranker,
                tell=item.tell,
                cache=self._cache,
                barred=barred,
            )
            self._budget.take(asked)
            asked = asked._replace(began=item.began, within=item.within)
            if asked.trouble and not barred:
                log.warning("%s, after %.1f s", asked.trouble, time.monotonic() - start)
            found.append(asked)
        return Completed(found, [])

    def incomplete(self, items: list[Asked]) -> Completed:
        """The same question where none of them was in time."""
        return Completed([i._replace(trouble="no answer within lookup_ms") for i in items], [])

    def score(self, items: Sequence[Asked]) -> list[Json]:
        """An answer to each question, and what it cost where that is known."""
        answers = [self.answerer.answer(item, self._cache) for item in items]
        for item, answer in zip(items, answers, strict=True):
            answer[TOOK] = round((time.monotonic() - item.began) * 1000, 1)
            if "usage" in answer:
                answer["cost"] = self._cost(answer["usage"])
        return answers

    def _cost(self, usage: Json) -> Json | None:
        tokens = (usage["prompt_tokens"], usage["completion_tokens"])
        if self._price is None or None in tokens:
            return None
        return self._price.of(*tokens)

    def explain(self, items: Sequence[Any]) -> tuple[Any, Sequence[Json]]:
        """Citations explain an answer; there is nothing beside them."""
        raise NotImplementedError

    def answers(self, scores: list[Json]) -> list[Json]:
        """The answers as they are."""
        return scores

    def fallback(self, count: int) -> None:
        """Without a search there is nothing to answer with: the caller is to come again."""
        del count

    def content(self, predictions: list[Json]) -> Json:
        """The answer with its id and the version it is from."""
        [only] = predictions
        only.pop(TOOK, None)
        said = {"index_version": self.version, "run_id": self.run_id}
        return {**only, "fallback": "fallback_reason" in only, **said}

    def loggable(self, item: Asked) -> Json:
        """The question without personal data, or its length alone."""
        if not self.contract.privacy.log_questions:
            return {"length": len(item.question)}
        return {"question": blotted(item.question)}

    def loggable_answer(self, answer: Json) -> Json:
        """How it was answered and from where; the answer only where the contract says so."""
        kept = {name: answer[name] for name in LOGGED if name in answer}
        if self.contract.privacy.log_answers and answer["answer"]:
            kept["answer"] = blotted(answer["answer"])
        places = [[c["document"], c["start"], c["end"]] for c in answer["citations"]]
        return {**kept, "citations": places}

    def described(self) -> Described:
        """Its interface."""
        question = (self.manifest.examples or [EXAMPLE])[0]
        return Described(
            title=f"{self._project}: answers from documents",
            description=self.contract.corpus.description,
            schemas=schema.schemas(self.contract.guard.longest_question),
            request={"question": question},
            outcomes={"id": "0" * 32, "helpful": True},
        )

    def fill(self) -> None:
        """Put its vectors where they are searched; without them words alone answer, marked."""
        nearest = self.answerer.index.nearest
        try:
            if nearest:
                nearest.fill()
        except NearestError as error:
            log.error("version %d is searched by words alone: %s", self.version, error)

    def try_out(self) -> None:
        """Ask it something.

        Raises BundleError when it cannot answer.
        """
        for question in (*self.manifest.examples[:1], EXAMPLE):
            try:
                self.answerer.answer(Asked(question))
            except Exception as error:
                raise BundleError(f"the index fails on a question: {error}") from None


class Models:
    """Opens versions; the endpoint and the budget stay between them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoint = Endpoint(settings) if settings.llm_url + settings.encoder_url else None
        self._budget = Budget(settings.llm_tokens_per_day)

    def open(self, version: int, bundle: Bundle) -> Model:
        """Make a version ready, after a trial."""
        opened = Model(version, bundle, self._settings, self._endpoint, self._budget)
        opened.fill()
        opened.try_out()
        return opened

    def refresh(self) -> str:
        """There are no values that change between versions."""
        return ""

    def close(self) -> None:
        """Traces are sent; connections end with the process."""
        watched.close()
