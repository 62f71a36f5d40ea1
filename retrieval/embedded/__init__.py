"""The embedded backend: SQLite holds the truth; FAISS and tantivy are projections that can be made again."""

from retrieval.embedded.home import Home
from retrieval.embedded.index import EmbeddedIndex

__all__ = ["EmbeddedIndex", "Home"]
