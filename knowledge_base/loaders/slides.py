"""PPTX: each slide's title, texts and tables from top to bottom, and the speaker's notes."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pptx

from knowledge_base.loaders.archive import open_archive
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.tables import table_blocks
from knowledge_base.values import Block, LoadedFile

# python-pptx has no types worth their name.
Shape = Any
Slide = Any


def load_slides(data: bytes) -> LoadedFile:
    """Read a presentation; LoadError if it is damaged, protected or a zip bomb."""
    open_archive(data).close()
    deck = pptx.Presentation(io.BytesIO(data))
    blocks: list[Block] = []
    for number, slide in enumerate(deck.slides, start=1):
        blocks += _slide_blocks(slide, number)
    return LoadedFile(on_one_line(deck.core_properties.title or ""), tuple(blocks))


def _slide_blocks(slide: Slide, number: int) -> Iterator[Block]:
    title = slide.shapes.title
    if title is not None and (text := on_one_line(title.text_frame.text)):
        yield Block(text, "heading", 1, number)
    shapes = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    for shape in _in_order(shapes):
        yield from _shape_blocks(shape, number)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        yield from _paragraphs(frame, number)


def _in_order(shapes: Iterable[Shape]) -> list[Shape]:
    """From top to bottom, then from left to right; shapes without a place of their own come first."""
    return sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))


def _shape_blocks(shape: Shape, number: int) -> Iterator[Block]:
    if hasattr(shape, "shapes"):  # a group
        for part in _in_order(shape.shapes):
            yield from _shape_blocks(part, number)
    elif getattr(shape, "has_table", False):
        yield from table_blocks(_grid(shape.table), page=number)
    elif shape.has_text_frame:
        yield from _paragraphs(shape.text_frame, number)


def _paragraphs(frame: Shape, number: int) -> Iterator[Block]:
    for paragraph in frame.paragraphs:
        lines = (on_one_line(line) for line in paragraph.text.split("\v"))
        if text := "\n".join(line for line in lines if line):
            yield Block(text, page=number)


def _grid(table: Shape) -> list[list[str]]:
    """Cells by row; merged cells repeat their text in all their places."""
    grid = [[cell.text for cell in row.cells] for row in table.rows]
    for row, cells in enumerate(table.rows):
        for column, cell in enumerate(cells.cells):
            if cell.is_merge_origin:
                for down in range(cell.span_height):
                    width = cell.span_width
                    grid[row + down][column : column + width] = [cell.text] * width
    return grid
