"""A model that answers each text with a word in front of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from engine.core.errors import Problem, RequestError
from engine.core.settings import Settings
from engine.registry.bundle import Bundle
from engine.serving.protocol import Completed, Described, Json, Operation, Paths

REPORTS = ()
PATHS = Paths(
    Operation("/v1/echo", "echo", "Say it again", "EchoRequest", "EchoResponse", "An echo"),
    Operation("/v1/heard", "heard", "What was heard", "HeardRequest", "HeardResponse", "Noted"),
)
TEXTS = {"type": "array", "items": {"type": "string"}}


class Model:
    """One version."""

    p99_ms, looks_up, probes, form = 50.0, False, 0, MappingProxyType[str, Any]({})

    def __init__(self, version: int, bundle: Bundle) -> None:
        self.version, self.word, self.digest = version, bundle.word, bundle.digest
        self.run_id = bundle.manifest.run_id
        self.about: Json = {"version": version, "word": self.word}

    def decode(self, body: bytes) -> list[Any]:
        """The texts of a request."""
        try:
            return msgspec.json.decode(body, type=dict[str, list[str]])["texts"]
        except (msgspec.MsgspecError, KeyError) as error:
            raise RequestError([Problem("shape", f"texts are needed: {error}")]) from None

    def decode_outcomes(self, body: bytes) -> list[Json]:
        """What became of them."""
        return msgspec.json.decode(body, type=dict[str, list[Json]])["outcomes"]

    async def complete(self, items: list[Any]) -> Completed:
        """Nothing is looked up."""
        return self.incomplete(items)

    def incomplete(self, items: list[Any]) -> Completed:
        """Nothing is looked up."""
        return Completed(items, [])

    def score(self, items: Sequence[Any]) -> list[str]:
        """The word before each text."""
        return [f"{self.word} {item}" for item in items]

    def explain(self, items: Sequence[Any]) -> tuple[Any, Sequence[Json]]:
        """Nothing is explained, so nobody asks."""
        raise NotImplementedError

    def answers(self, scores: list[str]) -> list[Json]:
        """Each as an answer."""
        return [{"answer": text} for text in scores]

    def fallback(self, count: int) -> Any:
        """There is none."""
        del count

    def content(self, predictions: list[Json]) -> Json:
        """The echoes."""
        return {"echoes": predictions}

    def loggable_answer(self, answer: Json) -> Json:
        """How long an echo was."""
        return self.loggable(answer["answer"])

    def loggable(self, item: Any) -> Json:
        """How long a text was."""
        return {"length": len(item)}

    def described(self) -> Described:
        """Its interface."""
        schemas = dict.fromkeys(("EchoRequest", "EchoResponse", "HeardRequest"), TEXTS)
        return Described("Echo", "", schemas, {"texts": ["a"]}, {"outcomes": []})


class Models:
    """Opens versions."""

    def __init__(self, settings: Settings) -> None:
        del settings

    def open(self, version: int, bundle: Bundle) -> Model:
        """Make a version ready."""
        return Model(version, bundle)

    def refresh(self) -> str:
        """Nothing is looked up."""
        return ""

    def close(self) -> None:
        """Nothing runs beside."""


class Counts:
    """Counts nothing of its own."""

    def __init__(self, collectors: CollectorRegistry) -> None:
        del collectors

    def expect(self, model: Any) -> None:
        """Nothing to prepare."""

    def count(self, answers: Sequence[Json]) -> None:
        """Nothing to count."""

    def count_lookups(self, states: Sequence[Mapping[str, str]]) -> None:
        """Nothing to count."""
