"""Pages and files of all kinds with their true text, made by the format's own library."""

from benchmarks.document_pages.office import office_pages
from benchmarks.document_pages.pages import Cell, Page
from benchmarks.document_pages.pdf import long_report, pdf_pages

__all__ = ["Cell", "Page", "all_pages", "long_report"]


def all_pages() -> list[Page]:
    """Every page of the benchmark, the same at each call."""
    return [*pdf_pages(), *office_pages()]
