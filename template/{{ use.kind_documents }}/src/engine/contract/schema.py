"""The contract as types: which documents, how they are searched, when an answer is refused."""

import hashlib
from pathlib import PurePosixPath
from typing import Literal

import msgspec

FORMATS = (".docx", ".htm", ".html", ".markdown", ".md", ".pdf", ".txt")


class Corpus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which documents there are."""

    description: str = ""
    folder: str = "corpus"
    formats: tuple[str, ...] = FORMATS
    largest_mb: float = 20.0
    """A larger file is left out, and said to be."""
    stale_days: int = 365
    """A document that is older is named by the report."""


class Splitter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a document becomes passages; lengths are in characters."""

    size: int = 1000
    overlap: int = 200


class Retrieval(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How passages are found."""

    dense: Literal["measured", "none", "lsa", "endpoint"] = "measured"
    """`measured`: LSA beside BM25 if the dev questions do not fare worse with it; `endpoint`: the
    vectors of `encoder_model` at `encoder_url` in settings.toml."""
    encoder_model: str = ""
    dimensions: int = 100
    """Of LSA, at most."""
    pool: int = 20
    """Passages that each way of searching brings to the fusion."""
    passages: int = 5
    """Passages that an answer may rest on."""
    rrf: int = 60
    """The constant of reciprocal rank fusion (Cormack et al. 2009)."""
    rerank: Literal["measured", "none", "always"] = "measured"
    """`measured`: the pool is put into the order of the reranker, where there is one, if the dev
    questions fare better with it."""
    rerank_model: str = ""
    """What the service at `rerank_url` in settings.toml calls its model (rerank=hosted)."""


class Answering(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an answer is made from passages."""

    refuse_below: float = 0.5
    """The share of the question that the best sentence must cover, its words weighted by how rare
    they are in the documents."""
    model: str = ""
    """The language model at `llm_url` in settings.toml; empty: a sentence of the documents."""
    prompt: str = "src/app/prompts/answer.md"
    max_tokens: int = 500
    passage_tokens: int = 3000
    """The most that passages may take of a prompt, at four characters to a token."""


class Judge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A language model that says whether answers are grounded and correct; it is no gate."""

    model: str = ""
    """At `judge_url` in settings.toml, or at `llm_url`; empty: nobody judges."""
    prompt: str = "src/app/prompts/judge.md"
    logged_prompt: str = "src/app/prompts/judge_logged.md"
    """For answers of the log, which have no reference (`monitor --judge`)."""
    labels: str = "evaluation/judged.jsonl"
    """What people said of answers: its agreement with them is measured."""
    max_tokens: int = 300
    most_tokens: int = 200_000
    """The most that judging one version, or one call of `monitor`, may use; 0: no limit."""


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of a question and of its answer."""

    log_questions: bool = True
    """Questions are logged, with e-mail addresses, cards, accounts and telephone numbers blotted
    out; false: only their length."""
    log_answers: bool = False
    """Answers are logged in the same way, so that `monitor --judge` can look at them later."""


class Guard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done about questions and answers that a person should know of; all are counted."""

    longest_question: int = 2000
    """Characters; a longer one is refused with 422."""
    injection: Literal["mark", "refuse"] = "mark"
    """A question with a known sentence that wants to steer a language model."""
    personal_data: Literal["leave", "blot", "refuse"] = "leave"
    """E-mail addresses, cards, accounts and telephone numbers in an answer or what it cites."""


class Gates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits on the test questions; what nobody has set is measured and not decided."""

    hit_at_5: float | None = None
    mrr_at_10: float | None = None
    ndcg_at_10: float | None = None
    recall_at_5: float | None = None
    citation_precision: float | None = None
    correct: float | None = None
    refused_absent: float | None = None
    refused_outside: float | None = None
    baseline_margin: float | None = None
    champion_margin: float | None = None
    p99_ms: float = 100.0


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that contract.toml says."""

    corpus: Corpus = Corpus()
    splitter: Splitter = Splitter()
    retrieval: Retrieval = Retrieval()
    answer: Answering = Answering()
    judge: Judge = Judge()
    privacy: Privacy = Privacy()
    guard: Guard = Guard()
    gates: Gates = Gates()
    questions: str = "evaluation/questions.jsonl"

    @property
    def fingerprint(self) -> str:
        """A hash of what the contract says, however it is written."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    def takes(self, name: str) -> bool:
        """Whether a file of this name is of one of the formats."""
        return PurePosixPath(name).suffix.lower() in self.corpus.formats
