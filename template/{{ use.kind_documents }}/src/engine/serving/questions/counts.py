"""What Prometheus counts of answers over documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from engine.serving.protocol import Json

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Counts:
    """Answers and refusals, what gave them, tokens, and how much of a question was covered."""

    def __init__(self, collectors: CollectorRegistry) -> None:
        answers = Counter("answers", "Answers by outcome", ["outcome"], registry=collectors)
        self._outcomes = {name: answers.labels(name) for name in ("answered", "refused")}
        self._fallbacks = Counter(
            "answer_fallbacks", "Extractive answers where a model was asked", registry=collectors
        )
        self._cached = Counter(
            "answers_cached", "Answers that were made for an earlier question", registry=collectors
        )
        self._guard = Counter(
            "answer_guard", "Answers in which something was found", ["found"], registry=collectors
        )
        tokens = Counter("llm_tokens", "Tokens as the endpoint counts", ["of"], registry=collectors)
        self._tokens = {
            name: tokens.labels(name) for name in ("prompt_tokens", "completion_tokens")
        }
        self._streams = Counter(
            "answer_streams", "Answers as events, by how they ended", ["end"], registry=collectors
        )
        self._covers = Histogram(
            "answer_coverage",
            "The share of a question that the best sentence covers",
            buckets=SHARES,
            registry=collectors,
        )

    def expect(self, model: Any) -> None:
        """Nothing to prepare: no label comes from a version."""

    def count(self, answers: Sequence[Json]) -> None:
        """Count what was answered."""
        for answer in answers:
            self._outcomes["refused" if answer["refused"] else "answered"].inc()
            self._covers.observe(answer["search"]["covers"])
            if answer["fallback"]:
                self._fallbacks.inc()
            if answer.get("cached"):
                self._cached.inc()
            for found in answer.get("guard", ()):
                self._guard.labels(found).inc()
            for name, count in answer.get("usage", {}).items():
                self._tokens[name].inc(count or 0)

    def count_stream(self, end: str) -> None:
        """Count an answer that was sent as events: done, failed, or its caller left."""
        self._streams.labels(end).inc()

    def count_lookups(self, states: Sequence[Mapping[str, str]]) -> None:
        """Nothing is looked up by name."""
