"""The reranker: a service with a `/rerank` call, as Cohere, Jina, vLLM and TEI offer it.

Question and passages go there, scores by place come back. Every option offers `lacking`, `name` and
`opened`.
"""

from collections.abc import Sequence

import msgspec

from engine.contract.schema import Retrieval
from engine.core.settings import Settings
from engine.retrieval.calls import CallError, Calls
from engine.retrieval.lexical import Passage
from engine.retrieval.rerank import RerankError, shown


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Results(msgspec.Struct):
    results: list[_Result]


class _Ranked(msgspec.Struct):
    """What Text Embeddings Inference calls the same."""

    index: int
    score: float


def lacking(settings: Settings, retrieval: Retrieval) -> str:
    """What there is to do before passages can be reranked; empty when all is there."""
    if not settings.rerank_url:
        return "rerank_url in settings.toml is empty; it is the whole URL of the rerank call"
    if not settings.rerank_url.startswith(("http://", "https://")):
        return f"rerank_url in settings.toml is {settings.rerank_url!r}; it begins with https://"
    if not retrieval.rerank_model:
        return "retrieval.rerank_model in contract.toml names no model (docs/rerank.md)"
    return ""


def name(settings: Settings, retrieval: Retrieval) -> str:
    """The model, by the name that the contract gives it."""
    del settings
    return retrieval.rerank_model


def opened(settings: Settings, retrieval: Retrieval) -> "Hosted":
    """The service; nothing is sent yet."""
    return Hosted(settings, retrieval.rerank_model)


class Hosted:
    """Asks the service for scores; after `close` it may be asked on another event loop."""

    def __init__(self, settings: Settings, model: str) -> None:
        self.name, self._settings = model, settings
        self._calls: Calls | None = self._opened()  # reading certificates takes a while

    async def rerank(
        self, question: str, passages: Sequence[Passage], seconds: float
    ) -> list[float]:
        """The service's scores.

        Raises RerankError when it gives none within `seconds`, all attempts together.
        """
        texts = [shown(passage) for passage in passages]
        if self._settings.rerank_api == "tei":
            body = {"query": question, "texts": texts, "raw_scores": False, "truncate": True}
        else:
            named = {"model": self.name, "query": question}
            body = {**named, "documents": texts, "top_n": len(texts)}
        self._calls = self._calls or self._opened()
        try:
            content = await self._calls.post(self._settings.rerank_url, body, seconds)
        except CallError as error:
            raise RerankError(str(error)) from None
        scores = self._scores(content)
        if sorted(place for place, _ in scores) != [*range(len(texts))]:
            raise RerankError(f"{len(scores)} scores for {len(texts)} passages, or wrong places")
        return [score for _, score in sorted(scores)]

    async def close(self) -> None:
        """End its connections."""
        if self._calls:
            await self._calls.close()
            self._calls = None

    def _opened(self) -> Calls:
        said = self._settings
        return Calls(said.rerank_key, said.llm_attempts, said.llm_at_once)

    def _scores(self, content: bytes) -> list[tuple[int, float]]:
        try:
            if self._settings.rerank_api == "tei":
                ranked = msgspec.json.decode(content, type=list[_Ranked])
                return [(each.index, each.score) for each in ranked]
            found = msgspec.json.decode(content, type=_Results)
            return [(each.index, each.relevance_score) for each in found.results]
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise RerankError("not the answer of a reranker") from None
