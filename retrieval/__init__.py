"""A question becomes ranked passages, and those become the context and prompt for a model.

- `retriever.Retriever` searches one collection: dense and lexical, fused, reranked, cached.
- `values` are the seams `Index` and `Embedder`, with `Filter`, `Hit` and `Candidates`.
- `embedded.Home` keeps collections in a folder; `embedded.EmbeddedIndex` is one of them.
- `elasticsearch.ElasticsearchHome` keeps them in a cluster; `collections.Collections` is what both offer.
- `archive` writes a collection into one file and reads it back, on either.
- `langchain.DomainqaRetriever` offers the retriever to LangChain.
- `context.pack` fits passages into a model's room; `prompt.render` is the one prompt.
"""
