"""Pictures become words: lines are found, the picture is turned upright, and lines are read side by side."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from statistics import median

import numpy as np

from knowledge_base.ocr.detection import Quad, detect, size_of
from knowledge_base.ocr.models import Models
from knowledge_base.ocr.pictures import Picture, Pixels
from knowledge_base.ocr.recognition import ReadLine, cut_out, read_line
from knowledge_base.ocr.rules import find_rules
from knowledge_base.ocr.text import PictureText, ReadWord

_LEAST_SURE = 0.5  # of a line; less is no text but a drawing
_PROBES = 5  # lines that tell how a picture is turned
_SURE = 0.85  # lines that stand upright are read with more, those upside down with less
_TALL = 1.5  # times as high as wide
_MOST_SLOPE = 0.2
_WIDE_GAP = 1.0  # times a line's height: wider than a blank …
_BLANK = 0.2  # … which is given this width
_WITHIN = 0.2  # of a line's height: what is drawn nearer to its edges underlines or frames it
_CJK_FROM = "\u2e80"

Check = Callable[[], None]


class PictureReader:
    """Reads pictures on all cores given to it; `check` raises when nobody waits for the result any more."""

    def __init__(self, models: Models, cores: int | None = None) -> None:
        self._models = models
        self._cores = cores or _cores()

    def read(self, pictures: Sequence[Picture], check: Check) -> Iterator[PictureText]:
        """What each picture says, in their order; lines of the next one are found while one is read."""
        pool = ThreadPoolExecutor(self._cores, "ocr")
        try:
            lines = pool.submit(self._lines, pictures[0].pixels, check)
            for place, picture in enumerate(pictures):
                quads = lines.result()
                if place + 1 < len(pictures):
                    lines = pool.submit(self._lines, pictures[place + 1].pixels, check)
                yield self._text(picture.pixels, quads, pool, check)
        finally:
            pool.shutdown(cancel_futures=True)

    def _lines(self, pixels: Pixels, check: Check) -> list[Quad]:
        check()
        return detect(self._models, pixels)

    def _text(
        self, pixels: Pixels, quads: Sequence[Quad], pool: ThreadPoolExecutor, check: Check
    ) -> PictureText:
        quarters = self._quarters(pixels, quads, pool, check)
        upright = np.rot90(pixels, -quarters)
        height, width = upright.shape[:2]
        turned = [_turned(quad, quarters, pixels.shape[1], pixels.shape[0]) for quad in quads]
        read = self._read(upright, turned, pool, check)
        kept = [(quad, line) for quad, line in zip(turned, read, strict=True) if _is_text(line)]
        slope = _slope([quad for quad, _ in kept])
        boxes = [_levelled(quad, slope, width / 2) for quad, _ in kept]
        words = [
            word
            for number, (box, (_, line)) in enumerate(zip(boxes, kept, strict=True))
            for word in _words(box, line, number)
        ]
        lowest = median(size_of(quad)[1] for quad, _ in kept) if kept else 0.0
        rules = find_rules(upright, slope, lowest) if kept else ()
        drawn = tuple(rule for rule in rules if not any(_is_stroke(rule, box) for box in boxes))
        return PictureText(width, height, quarters, round(slope, 5), tuple(words), drawn)

    def _quarters(self, pixels: Pixels, quads: Sequence[Quad], pool: ThreadPoolExecutor, check: Check) -> int:
        """The quarter turns clockwise that set most lines upright.

        Lines are longer than high, which tells two of the four turns; the other two are told by how sure the
        reading of the longest lines is.
        """
        probes = sorted(quads, key=lambda quad: max(size_of(quad)), reverse=True)[:_PROBES]
        if not probes:
            return 0
        lies = sum(size_of(quad)[1] > _TALL * size_of(quad)[0] for quad in probes) * 2 > len(probes)
        best, surest = 0, -1.0
        for quarters in (1, 3) if lies else (0, 2):
            upright = np.rot90(pixels, -quarters)
            turned = [_turned(quad, quarters, pixels.shape[1], pixels.shape[0]) for quad in probes]
            sure = median(line.confidence for line in self._read(upright, turned, pool, check))
            if sure > surest:
                best, surest = quarters, sure
            if sure > _SURE:
                break
        return best

    def _read(
        self, pixels: Pixels, quads: Sequence[Quad], pool: ThreadPoolExecutor, check: Check
    ) -> list[ReadLine]:
        def one(quad: Quad) -> ReadLine:
            check()
            return read_line(self._models, cut_out(pixels, quad))

        reading: list[Future[ReadLine]] = [pool.submit(partial(one, quad)) for quad in quads]
        return [line.result() for line in reading]


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _is_text(line: ReadLine) -> bool:
    return bool(line.text.strip()) and line.confidence >= _LEAST_SURE


def _turned(quad: Quad, quarters: int, width: int, height: int) -> Quad:
    """Corners after quarter turns clockwise of a picture of this size, again from the upper left on."""
    for _ in range(quarters):
        quad = np.stack([height - quad[:, 1], quad[:, 0]], axis=1)
        quad = np.roll(quad, 1, axis=0)
        width, height = height, width
    return quad.astype(np.float32)


def _slope(quads: Sequence[Quad]) -> float:
    """How far long lines rise on the whole."""
    slopes = [
        float((quad[0, 1] - quad[1, 1]) / (quad[1, 0] - quad[0, 0]))
        for quad in quads
        if quad[1, 0] - quad[0, 0] > 4 * abs(quad[3, 1] - quad[0, 1]) > 0
    ]
    slope = median(slopes) if slopes else 0.0
    return slope if abs(slope) < _MOST_SLOPE else 0.0


def _levelled(quad: Quad, slope: float, middle: float) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a line once the picture's slope is taken out of it."""
    down = quad[:, 1] + slope * (quad[:, 0] - middle)
    top, bottom = (down[0] + down[1]) / 2, (down[2] + down[3]) / 2
    left, right = (quad[0, 0] + quad[3, 0]) / 2, (quad[1, 0] + quad[2, 0]) / 2
    return float(left), float(top), float(right), float(bottom)


def _is_stroke(rule: tuple[float, ...], line: tuple[float, ...]) -> bool:
    """Whether what looks like a drawn line lies within the letters of a line of text."""
    margin = _WITHIN * (line[3] - line[1])
    middle = (rule[1] + rule[3]) / 2
    inside = line[0] <= rule[0] and rule[2] <= line[2]
    return inside and line[1] + margin < middle < line[3] - margin


def _words(box: tuple[float, float, float, float], line: ReadLine, number: int) -> Iterator[ReadWord]:
    """The words of a line; Chinese characters one by one, so that each has its place."""
    left, top, right, bottom = box
    places = [left + middle * (right - left) for middle in line.middles]
    runs = list(_runs(line.text))
    edges = list(_edges(line.text, places, runs, box))
    for (start, end), (first, last) in zip(runs, edges, strict=True):
        spaced = start > 0 and line.text[start - 1] == " "
        sure = round(float(np.mean(line.confidences[start:end])), 4)
        edge = (round(first, 1), round(top, 1), round(last, 1), round(bottom, 1))  # as they are kept
        yield ReadWord(line.text[start:end], *edge, number, spaced, sure)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and not _divides(text[end - 1], text[end]):
            continue
        if text[start:end] != " ":
            yield start, end
        start = end


def _divides(before: str, after: str) -> bool:
    return before == " " or after == " " or before >= _CJK_FROM or after >= _CJK_FROM


def _edges(
    text: str,
    places: Sequence[float],
    runs: Sequence[tuple[int, int]],
    box: tuple[float, float, float, float],
) -> Iterator[tuple[float, float]]:
    """Left and right of each word: they meet, but for a blank, and for a gap as between columns."""
    left, top, right, bottom = box
    letter = (right - left) / max(len(text), 1)
    first = left
    for (_, end), (start, _) in zip(runs, runs[1:], strict=False):
        before, after = places[end - 1], places[start]
        if after - before - letter > _WIDE_GAP * (bottom - top):
            yield first, before + letter / 2
            first = after - letter / 2
            continue
        half = _BLANK * (bottom - top) / 2 if start > end else 0.0
        yield first, (before + after) / 2 - half
        first = (before + after) / 2 + half
    if runs:
        yield first, right
