"""A turn with the language model: what a chain is given, and what it heard.

The answer `orchestration` brings `engine.answering.language_model.chain`, which offers `opened`.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from engine.answering.language_model.endpoint import Usage
from engine.answering.language_model.traced import Traced
from engine.retrieval.lexical import Passage

Find = Callable[[str], Awaitable[tuple[Passage, ...]]]
"""The passages that a question is answered from, the best first."""


class Heard(NamedTuple):
    """What came of a turn."""

    text: str
    """What the model said; it should be the JSON that it was asked for."""
    shown: tuple[Passage, ...]
    """The passages that it was given, by the numbers that it cites."""
    usage: Usage | None
    trouble: str = ""
    """Why there is no text; tokens may be spent all the same."""


class Chain(Protocol):
    """Asks the language model; any number of turns may go on at once."""

    async def ask(self, question: str, find: Find, endpoint: Traced, seconds: float) -> Heard:
        """What the model says to a question within this time; it never raises for what it does not.

        Every call of the model goes through `endpoint`.
        """
