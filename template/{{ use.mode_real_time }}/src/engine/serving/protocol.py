"""What a server knows of a model, whatever it answers: decode, score, answer, log, describe.

The module `engine.serving.model` offers Models and Counts for the kind of problem at hand, PATHS:
where it is asked, and REPORTS: the pages that commands write about it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from engine.core.settings import Settings
from engine.registry.bundle import Bundle

Json = dict[str, Any]


class Operation(NamedTuple):
    """Something that callers may post, as OpenAPI describes it."""

    path: str
    name: str
    summary: str
    request: str
    """Which of the schemas of `Described` a body has; `response` names that of the answer."""
    response: str
    done: str
    """What a caller finds in the answer."""
    events: str = ""
    """What it finds in server-sent events, where there are any."""


class Paths(NamedTuple):
    """Where a model is asked, and where callers say what became of its answers."""

    answer: Operation
    outcomes: Operation


class Completed(NamedTuple):
    """Items with what the request did not say; for each, how every part of it was found."""

    items: list[Any]
    states: list[dict[str, str]]
    failed: bool = False
    """Nothing could be looked up: the fallback answers."""


class Described(NamedTuple):
    """Requests and answers as JSON schemas, with an example of each request."""

    title: str
    description: str
    schemas: Mapping[str, Json]
    """Those that PATHS names, but for the answer to outcomes."""
    request: Json
    outcomes: Json


class ServedModel(Protocol):
    """One version, loaded whole and tried out."""

    @property
    def version(self) -> int:
        """Its number in the registry."""

    @property
    def run_id(self) -> str:
        """The run it came from."""

    @property
    def digest(self) -> str:
        """The hash of its bundle."""

    @property
    def p99_ms(self) -> float:
        """The latency that its contract asks for."""

    @property
    def about(self) -> Json:
        """What there is to know of it."""

    @property
    def form(self) -> Mapping[str, Any]:
        """What a form to ask it must know; nothing where there is none."""

    @property
    def looks_up(self) -> bool:
        """Whether requests leave something to be looked up."""

    def decode(self, body: bytes) -> list[Any]:
        """The items of a request.

        Raises RequestError with one problem per fault.
        """

    def decode_outcomes(self, body: bytes) -> list[Json]:
        """What became of earlier predictions.

        Raises RequestError with one problem per fault.
        """

    async def complete(self, items: list[Any]) -> Completed:
        """Items with what is looked up.

        Raises RequestError for what may not be unknown, and whatever a store raises.
        """

    def incomplete(self, items: list[Any]) -> Completed:
        """The same items where the store could not be asked."""

    def score(self, items: Sequence[Any]) -> Any:
        """Scores, one for each item, in something that can be sliced.

        Raises whatever a model raises; ArithmeticError where it gave no finite number.
        """

    @property
    def probes(self) -> int:
        """How many items the model is asked for one that is explained; 0: it explains nothing."""

    def explain(self, items: Sequence[Any]) -> tuple[Any, Sequence[Json]]:
        """Scores as `score` gives them, and what moved each.

        Raises what `score` raises.
        """

    def answers(self, scores: Any) -> list[Json]:
        """Scores as a caller reads them."""

    def fallback(self, count: int) -> Any | None:
        """What is answered when the model fails; None: nothing, the caller is to come again."""

    def content(self, predictions: list[Json]) -> Json:
        """The body of an answer: `answers`, each with its id and whether the fallback gave it."""

    def loggable(self, item: Any) -> Json:
        """What the log keeps of an item: nothing personal."""

    def loggable_answer(self, answer: Json) -> Json:
        """What the log keeps of an answer."""

    def described(self) -> Described:
        """Its interface."""


class Models(Protocol):
    """Opens versions, and keeps what they share; `engine.serving.model.Models` is one."""

    def __init__(self, settings: Settings) -> None: ...

    def open(self, version: int, bundle: Bundle) -> ServedModel:
        """Make a version ready.

        Raises ProjectError when it cannot answer what its contract allows.
        """

    def refresh(self) -> str:
        """See newer values of what is looked up; what is wrong, or nothing."""

    def close(self) -> None:
        """End what runs beside the server."""


class Counts(Protocol):
    """Counts answers for Prometheus; `engine.serving.model.Counts` is one."""

    def __init__(self, collectors: CollectorRegistry) -> None: ...

    def expect(self, model: Any) -> None:
        """Prepare for the answers of a model."""

    def count(self, answers: Sequence[Json]) -> None:
        """Count what the model said."""

    def count_lookups(self, states: Sequence[Mapping[str, str]]) -> None:
        """Count how what was looked up was found."""
