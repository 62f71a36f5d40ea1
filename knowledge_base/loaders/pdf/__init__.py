"""PDF files: their text in reading order, pictures of their pages, and where a quoted text stands on them."""

from knowledge_base.loaders.pdf.loader import load_pdf
from knowledge_base.loaders.pdf.view import PageBoxes, PlacedText, find_text, page_boxes, render_page

__all__ = ["PageBoxes", "PlacedText", "find_text", "load_pdf", "page_boxes", "render_page"]
