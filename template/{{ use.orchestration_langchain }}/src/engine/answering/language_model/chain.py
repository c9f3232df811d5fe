"""From a question to what the language model says: the LangChain chain of `src/app/chain.py`.

Every option offers `opened`, which gives a Chain (`engine.answering.language_model.turn`). The chat
model is the engine's endpoint, so deadline, attempts and the count of tokens are the same as
without LangChain.
"""

import asyncio
import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable

from engine.answering import grounds, prompt
from engine.answering.language_model import documents
from engine.answering.language_model.endpoint import EndpointError, Usage
from engine.answering.language_model.traced import Traced
from engine.answering.language_model.turn import Find, Heard
from engine.contract.app_files import taken
from engine.contract.schema import Answering
from engine.retrieval.index import Index
from engine.retrieval.lexical import Passage

log = logging.getLogger(__name__)


@dataclass
class Turn:
    """The question that is being answered: its endpoint, its end, and what it has used."""

    endpoint: Traced
    end: float
    used: list[Usage] = field(default_factory=list)


OF_MODEL = 0.98  # of the time there is: a call ends by itself first, and says why
TURN: ContextVar[Turn] = ContextVar("turn")


class Build(Protocol):
    """`app/chain.py`: the chain."""

    def build(
        self, retriever: BaseRetriever, prompt: ChatPromptTemplate, model: BaseChatModel
    ) -> Runnable[dict[str, Any], dict[str, Any]]:
        """Takes `question`; gives `documents` and `answer`."""


class EndpointModel(BaseChatModel):
    """The language model at `llm_url`, within the deadline of the question."""

    name_there: str
    max_tokens: int

    @property
    def _llm_type(self) -> str:
        return "engine-endpoint"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise NotImplementedError("the endpoint is asked by ainvoke, while a question is answered")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """`bind(schema=None)` frees an answer from the form that the last one needs."""
        del stop, run_manager
        turn = TURN.get()
        said = await turn.endpoint.chat(
            self.name_there,
            cast(list[dict[str, str]], convert_to_openai_messages(messages)),
            max_tokens=self.max_tokens,
            schema=kwargs.get("schema", grounds.SCHEMA),
            seconds=turn.end - asyncio.get_running_loop().time(),
        )
        turn.used.append(said.usage)
        message = AIMessage(said.text, usage_metadata=_metadata(said.usage))
        return ChatResult(generations=[ChatGeneration(message=message)])


def opened(answering: Answering, text: bytes, index: Index) -> "LangChain":
    """The chain of a version with this prompt."""
    return LangChain(answering, text, index)


class LangChain:
    """Runs the chain of `src/app/chain.py`, and takes its answer and its documents."""

    def __init__(self, answering: Answering, text: bytes, index: Index) -> None:
        retriever = documents.PassageRetriever(index=index, tokens=answering.passage_tokens)
        model = EndpointModel(name_there=answering.model, max_tokens=answering.max_tokens)
        build = cast(Build, taken("chain", Build)).build
        self._chain = build(retriever, template(text), model)

    async def ask(self, question: str, find: Find, endpoint: Traced, seconds: float) -> Heard:
        """What the chain says to a question within this time."""
        turn = Turn(endpoint, asyncio.get_running_loop().time() + seconds * OF_MODEL)
        TURN.set(turn)
        documents.FIND.set(find)
        shown = tuple[Passage, ...]()
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                found = await self._chain.ainvoke({"question": prompt.inside(question)})
            shown = tuple(documents.passage(each) for each in found["documents"])
            return Heard(str(found["answer"]), shown, _sum(turn.used))
        except EndpointError as error:
            spent = [*turn.used, *filter(None, [error.usage])]
            return Heard("", shown, _sum(spent), str(error))
        except TimeoutError:
            return Heard("", shown, _sum(turn.used), "no answer within the time there is")
        except Exception as error:  # a chain may hold anything
            log.exception("the chain of src/app/chain.py fails")
            said = f"the chain of src/app/chain.py fails ({type(error).__name__})"
            return Heard("", shown, _sum(turn.used), said)


def template(text: bytes) -> ChatPromptTemplate:
    """The versioned prompt with its two slots; other braces stay what they are."""
    whole = prompt.body(text).replace("{", "{{").replace("}", "}}")
    for slot in prompt.SLOTS:
        whole = whole.replace(f"{{{slot}}}", slot)
    return ChatPromptTemplate.from_messages([("human", whole)])


def _metadata(usage: Usage) -> UsageMetadata | None:
    if usage.prompt is None or usage.completion is None:
        return None
    total = usage.prompt + usage.completion
    return UsageMetadata(
        input_tokens=usage.prompt, output_tokens=usage.completion, total_tokens=total
    )


def _sum(used: list[Usage]) -> Usage | None:
    """The tokens of all calls; unknown where one of them did not say."""
    if not used:
        return None
    prompts, completions = [each.prompt for each in used], [each.completion for each in used]
    return Usage(
        None if None in prompts else sum(each or 0 for each in prompts),
        None if None in completions else sum(each or 0 for each in completions),
        sum(each.guessed for each in used),
    )
