"""A whole collection as one file: to keep it, or to move it to another machine or another backend."""

from retrieval.archive.reader import import_collection
from retrieval.archive.writer import export_collection

__all__ = ["export_collection", "import_collection"]
