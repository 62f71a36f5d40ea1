"""The embedded backend: SQLite stores collections; FAISS and tantivy are projections that can be rebuilt."""

from retrieval.embedded.home import Home
from retrieval.embedded.index import EmbeddedIndex

__all__ = ["EmbeddedIndex", "Home"]
