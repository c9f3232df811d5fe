"""The chain that asks the language model, in LangChain's expression language.

Extend it like any other: another step before the prompt, a second retriever, a chat model of
another package. `docs/langchain.md` has examples.
"""

from operator import itemgetter
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

from engine.answering.language_model.documents import format_documents


def build(
    retriever: BaseRetriever, prompt: ChatPromptTemplate, model: BaseChatModel
) -> Runnable[dict[str, Any], dict[str, Any]]:
    """Takes `question`; gives `documents`, as the model was shown them, and `answer`, its text.

    Quotes and numbers of `answer` are held against `documents`, which it cites by their place.
    """
    return (
        RunnablePassthrough.assign(documents=itemgetter("question") | retriever)
        .assign(passages=lambda found: format_documents(found["documents"]))
        .assign(answer=prompt | model | StrOutputParser())
    )
