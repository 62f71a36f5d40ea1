"""Where lines of text are in a picture.

The model gives a probability for each pixel (Liao et al., Real-time Scene Text Detection with Differentiable
Binarization, AAAI 2020); what is above a threshold and hangs together is the shrunken inside of a line, which
is grown back to the line's own size.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from knowledge_base.ocr.models import Models, Tensor
from knowledge_base.ocr.pictures import Pixels

Quad = NDArray[np.float32]  # [4, 2]: x and y of the corners, clockwise from the upper left

_STRIDE = 32  # the model's
_SIDE = 1600  # pixels that the longer side is shrunk to; text of 8 pt in a page of A4 keeps 10 pixels
_STRIP = 288  # rows that are looked at in one go: the model takes 200 kB for each
_MARGIN = 64  # rows above and below a strip that it sees too; a multiple of its stride
_SMALL_SIDE = 1000  # what is smaller is doubled
_IS_TEXT = 0.3
_IS_LINE = 0.5
_LOWEST = 3.0  # pixels
_GROWTH = 1.6  # times area over circumference; the paper has 1.5
_MOST_LINES = 3000


def detect(models: Models, pixels: Pixels) -> list[Quad]:
    """The lines of a picture in no order."""
    height, width = pixels.shape[:2]
    longest = max(height, width)
    scale = _SIDE / longest if longest > _SIDE else 2.0 if longest < _SMALL_SIDE else 1.0
    rows, columns = (max(1, round(side * scale / _STRIDE)) * _STRIDE for side in (height, width))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(pixels, (columns, rows), interpolation=how), np.uint8)
    likely = _probabilities(models, resized)
    stretch = np.array([width / columns, height / rows], np.float32)
    return [corners * stretch for corners in _outlines(likely)][:_MOST_LINES]


def _probabilities(models: Models, pixels: Pixels) -> Tensor:
    """How likely each pixel is text, strip by strip, as a whole page would take much memory."""
    rows = len(pixels)
    count = -(-rows // _STRIP)
    edges = [round(rows / _STRIDE * number / count) * _STRIDE for number in range(count + 1)]
    strips = []
    for top, bottom in pairwise(edges):
        first, last = max(top - _MARGIN, 0), min(bottom + _MARGIN, rows)
        likely = models.detect(as_tensor(pixels[first:last])[None])
        strips.append(likely[top - first : bottom - first])
    return np.concatenate(strips)


def as_tensor(pixels: Pixels) -> Tensor:
    """Pixels as the models take them: [3, height, width] in blue, green, red, in -1…1."""
    return np.ascontiguousarray((pixels[..., ::-1].astype(np.float32) / 127.5 - 1).transpose(2, 0, 1))


def size_of(quad: Quad) -> tuple[float, float]:
    """Width and height."""
    across = max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[3] - quad[2]))
    down = max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))
    return float(across), float(down)


def _outlines(likely: Tensor) -> Iterator[Quad]:
    inside = cv2.dilate((likely > _IS_TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _LOWEST or _mean_inside(likely, np.asarray(contour)) < _IS_LINE:
            continue
        grown = 2 * _GROWTH * width * height / (2 * (width + height))
        box = cv2.boxPoints((centre, (width + grown, height + grown), angle))
        yield _clockwise(np.asarray(box, np.float32))


def _mean_inside(likely: Tensor, contour: NDArray[Any]) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [contour - np.array([left, top])], (1,))
    return float(cv2.mean(likely[top : top + height, left : left + width], mask)[0])


def _clockwise(corners: NDArray[np.float32]) -> Quad:
    """Corners from the upper left on: the two on the left, each side from top to bottom, tell them apart."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = (side[np.argsort(side[:, 1], kind="stable")] for side in (by_x[:2], by_x[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)
