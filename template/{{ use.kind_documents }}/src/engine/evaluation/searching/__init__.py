"""Ways to search that are tried: an encoder of the corpus, a reranker, a vector store."""
