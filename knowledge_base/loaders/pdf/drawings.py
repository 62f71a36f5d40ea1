"""What is drawn on a PDF page beside its text: lines and frames, and how much of it pictures cover."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge_base.loaders.pdf.words import Box

_MOST_PATHS = 4_000  # more belong to a drawing, and reading them takes long
_FRAME_POINTS = 5  # of a path that is a rectangle
_THIN = 3.0  # points: a filled rectangle so thin is a line, a thicker one a background
_DEEPEST = 3  # forms within forms


@dataclass(frozen=True, slots=True)
class Drawings:
    """Boxes of lines and frames, and the share of the page that pictures cover, at most 1."""

    rules: tuple[Box, ...]
    pictures: float


def read_drawings(page: pypdfium2.PdfPage, visible: Box) -> Drawings:
    """Lines, frames and pictures in points from the lower left of the page's visible part."""
    rules: list[Box] = []
    paths, covered = 0, 0.0
    for index in range(pdfium.FPDFPage_CountObjects(page.raw)):
        item = pdfium.FPDFPage_GetObject(page.raw, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE or kind == pdfium.FPDF_PAGEOBJ_FORM and _holds_picture(item):
            covered += _area(_bounds(item), visible)
        elif kind == pdfium.FPDF_PAGEOBJ_PATH and paths <= _MOST_PATHS:
            paths += 1
            rules += _path_boxes(item)
    if paths > _MOST_PATHS:
        rules = []
    x, y = visible[:2]
    moved = tuple((box[0] - x, box[1] - y, box[2] - x, box[3] - y) for box in rules)
    return Drawings(moved, min(1.0, covered / max(_area(visible, visible), 1.0)))


def _holds_picture(form: object, depth: int = 0) -> bool:
    for index in range(min(pdfium.FPDFFormObj_CountObjects(form), _MOST_PATHS)):
        item = pdfium.FPDFFormObj_GetObject(form, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            return True
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST and _holds_picture(item, depth + 1):
            return True
    return False


def _bounds(item: object) -> Box:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top)
    return (left.value, bottom.value, right.value, top.value)


def _area(box: Box, visible: Box) -> float:
    width = min(box[2], visible[2]) - max(box[0], visible[0])
    height = min(box[3], visible[3]) - max(box[1], visible[1])
    return max(0.0, width) * max(0.0, height)


def _path_boxes(path: object) -> Iterator[Box]:
    """A line or frame as its box, a path of many lines as a box for each; backgrounds are left out."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    if pdfium.FPDFPath_CountSegments(path) <= _FRAME_POINTS:
        box = _bounds(path)
        if stroke.value or fill.value and min(box[2] - box[0], box[3] - box[1]) <= _THIN:
            yield box
    elif stroke.value:
        yield from _segment_boxes(path)


def _segment_boxes(path: object) -> Iterator[Box]:
    count = pdfium.FPDFPath_CountSegments(path)
    if count > _MOST_PATHS:
        return
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(path, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    previous: tuple[float, float] | None = None
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_LINETO and previous is not None:
            (left, right), (bottom, top) = sorted((previous[0], point[0])), sorted((previous[1], point[1]))
            yield (left, bottom, right, top)
        previous = point
