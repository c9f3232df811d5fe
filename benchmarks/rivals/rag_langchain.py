"""LangChain's retriever over its vector store in memory, as its tutorial on RAG builds it.

    python rag_langchain.py quality|speed FILE ENCODER    # prints JSON

The pool is that of ours: 20 passages.
"""

from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from rag_asked import Search, main
from rag_encoder import Encode

POOL = 20


class Given(Embeddings):
    """The encoder that all systems are given."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of texts."""
        return self._encode(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self._encode([text])[0].tolist()


def build(texts: Sequence[tuple[str, str]], encode: Encode, cut: bool) -> tuple[int, Search]:
    """A store of these texts and its retriever."""
    documents = [Document(text, metadata={"name": name}) for name, text in texts]
    if cut:
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        documents = splitter.split_documents(documents)
    store = InMemoryVectorStore(Given(encode))
    store.add_documents(documents)
    retriever = store.as_retriever(search_kwargs={"k": POOL})
    return len(documents), lambda q: [each.metadata["name"] for each in retriever.invoke(q)]


if __name__ == "__main__":
    main(build)
