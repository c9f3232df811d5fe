"""From a question to what the language model says: search, prompt, one call.

Every option offers `opened`, which gives a Chain (`engine.answering.language_model.turn`).
"""

from engine.answering import grounds, prompt
from engine.answering.language_model.endpoint import EndpointError
from engine.answering.language_model.traced import Traced
from engine.answering.language_model.turn import Find, Heard
from engine.contract.schema import Answering
from engine.retrieval.index import Index


def opened(answering: Answering, text: bytes, index: Index) -> "Plain":
    """The chain of a version with this prompt."""
    del index
    return Plain(answering, text)


class Plain:
    """The passages that fit go into the prompt, and the prompt to the endpoint."""

    def __init__(self, answering: Answering, text: bytes) -> None:
        self._answering, self._text = answering, text

    async def ask(self, question: str, find: Find, endpoint: Traced, seconds: float) -> Heard:
        """What the model says to a question within this time."""
        terms = self._answering
        shown = prompt.fitting([*await find(question)], terms.passage_tokens)
        try:
            said = await endpoint.chat(
                terms.model,
                [{"role": "user", "content": prompt.filled(self._text, question, shown)}],
                max_tokens=terms.max_tokens,
                schema=grounds.SCHEMA,
                seconds=seconds,
            )
        except EndpointError as error:
            return Heard("", tuple(shown), error.usage, str(error))
        return Heard(said.text, tuple(shown), said.usage)
