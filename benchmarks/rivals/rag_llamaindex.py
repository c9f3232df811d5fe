"""LlamaIndex's VectorStoreIndex with its default splitter, and the retriever that it offers.

    python rag_llamaindex.py quality|speed FILE ENCODER    # prints JSON

The pool is that of ours: 20 passages.
"""

from collections.abc import Sequence
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode
from pydantic import PrivateAttr
from rag_asked import Search, main
from rag_encoder import Encode

POOL = 20


class Given(BaseEmbedding):
    """The encoder that all systems are given."""

    _encode: Any = PrivateAttr()

    def __init__(self, encode: Encode) -> None:
        super().__init__(model_name="given")
        self._encode = encode

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self._encode(texts).tolist()
        return found

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embeddings([query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def build(texts: Sequence[tuple[str, str]], encode: Encode, cut: bool) -> tuple[int, Search]:
    """An index of these texts and its retriever."""
    model = Given(encode)
    if cut:
        made = VectorStoreIndex.from_documents(
            [Document(text=text, doc_id=name) for name, text in texts], embed_model=model
        )
    else:
        made = VectorStoreIndex([TextNode(text=t, id_=n) for n, t in texts], embed_model=model)
    retriever = made.as_retriever(similarity_top_k=POOL)
    count = len(made.index_struct.nodes_dict)
    return count, lambda q: [e.node.ref_doc_id or e.node.node_id for e in retriever.retrieve(q)]


if __name__ == "__main__":
    main(build)
