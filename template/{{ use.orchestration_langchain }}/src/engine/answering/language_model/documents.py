"""Passages as LangChain's documents, and the retriever that finds them."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from engine.answering import prompt
from engine.answering.language_model.turn import Find
from engine.core.settings import load_settings
from engine.core.storage import Storage
from engine.registry.registry import Registry
from engine.retrieval.index import Index
from engine.retrieval.lexical import Passage, about

FIND: ContextVar[Find] = ContextVar("find")
"""How the turn that goes on finds passages: with its encoder, its reranker and its deadline."""


class PassageRetriever(BaseRetriever):
    """Finds passages of the index; `invoke` works in any chain, a notebook included.

    While a question is answered, `ainvoke` searches with the version's encoder and reranker too.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Index
    tokens: int
    """The most that passages may take of a prompt; the best that fit are found."""

    @classmethod
    def of_champion(cls) -> "PassageRetriever":
        """The retriever of the version that answers now.

        Raises RegistryError when there is none.
        """
        _, bundle = Registry(Storage(load_settings().store)).load()
        terms = bundle.contract
        return cls(index=Index(bundle.files, terms.retrieval), tokens=terms.answer.passage_tokens)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        del run_manager
        return self._fitting(self.index.search(query).passages)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        del run_manager
        if find := FIND.get(None):
            return self._fitting(await find(query))
        found = await asyncio.to_thread(self.index.search, query)
        return self._fitting(found.passages)

    def _fitting(self, passages: Sequence[Passage]) -> list[Document]:
        return [document(each) for each in prompt.fitting([*passages], self.tokens)]


def document(passage: Passage) -> Document:
    """A passage as LangChain has it; its place stands in the metadata."""
    metadata: dict[str, Any] = passage._asdict()
    return Document(metadata.pop("text"), id=str(passage.id), metadata=metadata)


def passage(found: Document) -> Passage:
    """The passage that a document was made from.

    Raises KeyError for a document that did not come from the index.
    """
    known = {name: found.metadata[name] for name in Passage._fields if name != "text"}
    return Passage(**known, text=found.page_content)


def format_documents(documents: Sequence[Document]) -> str:
    """Documents as the prompt lists them, under the numbers that an answer cites."""
    found = [passage(each) for each in documents]
    return prompt.listed((about(each.title, each.heading), each.text) for each in found)
