"""The settings that come with the kind of problem: where a language model and an encoder answer."""

from typing import Annotated, Any, Literal

import msgspec

NotNegative = msgspec.Meta(ge=0)
Share = msgspec.Meta(ge=0, le=1)


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a million tokens of a model cost, and since when that is so."""

    date: str
    prompt: float
    completion: float
    currency: str = "USD"

    def of(self, prompt: int, completion: int) -> dict[str, Any]:
        """What so many tokens cost, and since when that is the price."""
        amount = (prompt * self.prompt + completion * self.completion) / 1e6
        return {"amount": round(amount, 8), "currency": self.currency, "priced": self.date}


class KindSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which model is asked stands in contract.toml; where it is asked stands here."""

    lookup_ms: float = 20_000.0
    """Encoder, reranker and language model may take so long, all attempts together; then the
    extractive answer is given, and marked."""
    llm_url: str = ""
    """The base URL of an OpenAI-compatible endpoint, such as http://127.0.0.1:8001/v1."""
    llm_key: str = ""
    """Its key, if it wants one."""
    llm_attempts: int = 3
    """How often an answer is asked for while it is refused for now (429, 5xx) or does not come."""
    llm_at_once: int = 8
    """Questions that may wait for the endpoint at once; the others wait for their turn."""
    llm_schema: Literal["openai", "tgi"] = "openai"
    """How it is asked for JSON of a form: as OpenAI, vLLM and SGLang have it, or as TGI does."""
    llm_tokens_per_day: int = 0
    """When so many tokens were used since midnight (UTC), answers are extractive; 0: no limit. Each
    server counts its own since its start, by the endpoint's figures or, without, by characters."""
    cache_answers: Annotated[int, NotNegative] = 0
    """Answers of a language model that a server keeps in memory for the same question; 0: none.
    A promotion empties it, and with `log_questions = false` it knows questions by a hash alone."""
    cache_seconds: Annotated[float, NotNegative] = 3600.0
    """How long an answer is kept."""
    cache_refused_seconds: Annotated[float, NotNegative] = 60.0
    """How long a refusal is kept; not longer than an answer."""
    cache_cosine: Annotated[float, Share] = 1.0
    """How near the vectors of two questions must be for one answer; 1: only the same question."""
    llm_prices: dict[str, Price] = msgspec.field(default_factory=dict)
    """By model, as in [llm_prices."name"] at the end of settings.toml; a model without one has no
    cost, not a cost of nothing."""
    judge_url: str = ""
    """The base URL of the judge of `[judge]` in contract.toml; empty: that of `llm_url`."""
    judge_key: str = ""
    """Its key, if `judge_url` is set and it wants one."""
    encoder_url: str = ""
    """The base URL of `/embeddings`; empty: that of `llm_url`."""
    encoder_key: str = ""
    """Its key, if `encoder_url` is set and it wants one."""
    vector_url: str = ""
    """Where vectors are searched, if the answer vector_store brings a store; empty: in memory."""
    vector_key: str = ""
    """Its key or password, if it wants one."""
    vector_ms: float = 1000.0
    """A search may take so long; then words alone are searched, and the answer is marked."""
    vector_effort: int = 100
    """Candidates that an approximate index looks at for one search, where it can be told: more find
    more and take longer."""
    rerank_url: str = ""
    """The whole URL of a rerank call, such as https://api.cohere.com/v2/rerank (rerank=hosted)."""
    rerank_key: str = ""
    """Its key, if it wants one."""
    rerank_api: Literal["cohere", "tei"] = "cohere"
    """`cohere`: what Cohere, Jina and vLLM take; `tei`: what Text Embeddings Inference takes."""
    rerank_folder: str = "models/reranker"
    """Where model.onnx and tokenizer.json of a cross-encoder lie (rerank=cross_encoder)."""
