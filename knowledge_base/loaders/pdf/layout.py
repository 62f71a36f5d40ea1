"""The reading order of a page: columns of running text one after the other, all else from top to bottom."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.pdf.rows import Row, around
from knowledge_base.loaders.pdf.words import Box, Word

_NEAR = 3.0  # points: left edges so near each other are one
_GUTTER = 5.0  # points between columns
_FEWEST_ROWS = 3  # on either side of a gutter
_FEWEST_LETTERS = 14  # of a line of running text in a column; Chinese characters count twice
_FULL = 0.6  # of the column's width, as most of its lines are
_LEVEL = 0.1  # of the letters' size: pieces of a table's row are so level
_ADRIFT = 0.4  # of the lines beside each other: no table has so many that are not
_DEEPEST = 1  # gutters on either side of one: no more than four columns
_DIVIDED = 0.35  # of a column's lines have gaps within: more are rows of a table


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table's cells by row, merged ones repeated; `spans` are the left and right edges of its columns."""

    grid: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[float, float], ...]
    box: Box
    ruled: bool = False
    words: tuple[Word, ...] = ()


Item = Row | TextTable


def in_reading_order(items: Sequence[Item]) -> list[list[Item]]:
    """Regions of a page, whose items are given from top to bottom: each is read before the next begins."""
    found = _best_gutter(items)
    if found is None:
        return [list(items)] if items else []
    at, first, end = found
    left, right = _divided(items[first:end], at)
    return [
        *in_reading_order(items[:first]),
        *in_reading_order(left),
        *in_reading_order(right),
        *in_reading_order(items[end:]),
    ]


def _best_gutter(items: Sequence[Item], depth: int = 0) -> tuple[float, int, int] | None:
    """The gutter beside most lines, and the first and the end of the items that it divides."""
    best: tuple[float, int, int] | None = None
    most = 0
    for at in _candidates(items):
        for first, end in _uncrossed(items, at):
            left, right = _divided(items[first:end], at)
            count = min(len(left), len(right))
            if count > most and count >= _FEWEST_ROWS:
                sides = _flows(left, depth), _flows(right, depth)
                if all(sides) or any(sides) and _drifts(items[first:end], at):
                    best, most = (at, first, end), count
    return best


def _drifts(items: Sequence[Item], at: float) -> bool:
    """Whether the lines on either side of a gutter keep distances of their own; a table's stand level."""
    steps: list[float] = []
    for row in (item for item in items if isinstance(item, Row)):
        for left, right in pairwise(row.pieces):
            if left.box[0] < at - _GUTTER / 2 <= right.box[0]:
                steps.append((right.box[1] - left.box[1]) / row.size)
    usual = median(steps) if len(steps) >= _FEWEST_ROWS else 0.0
    return sum(abs(step - usual) > _LEVEL for step in steps) > _ADRIFT * len(steps)


def _candidates(items: Sequence[Item]) -> list[float]:
    """Left edges that several pieces share with something to the left of them."""
    edges: Counter[float] = Counter()
    for item in items:
        if isinstance(item, Row):
            edges.update({round(piece.box[0] / _NEAR) * _NEAR for piece in item.pieces})
    if not edges:
        return []
    first = min(edges)
    return [
        edge - _NEAR
        for edge, times in edges.most_common(12)
        if edge > first + _GUTTER and times + edges[edge - _NEAR] + edges[edge + _NEAR] >= _FEWEST_ROWS
    ]


def _uncrossed(items: Sequence[Item], at: float) -> list[tuple[int, int]]:
    """Runs of items that leave a gutter to the left of `at` free."""
    runs = []
    start: int | None = None
    for index, item in enumerate(items):
        boxes = [piece.box for piece in item.pieces] if isinstance(item, Row) else [item.box]
        crossed = any(box[0] < at - _GUTTER / 2 and box[2] > at - _GUTTER + _NEAR for box in boxes)
        if crossed and start is not None:
            runs.append((start, index))
            start = None
        elif not crossed and start is None:
            start = index
    return [*runs, (start, len(items))] if start is not None else runs


def _divided(items: Sequence[Item], at: float) -> tuple[list[Item], list[Item]]:
    left: list[Item] = []
    right: list[Item] = []
    for item in items:
        if isinstance(item, TextTable):
            (left if item.box[0] < at - _GUTTER / 2 else right).append(item)
            continue
        for side, pieces in (
            (left, [piece for piece in item.pieces if piece.box[0] < at - _GUTTER / 2]),
            (right, [piece for piece in item.pieces if piece.box[0] >= at - _GUTTER / 2]),
        ):
            if pieces:
                side.append(Row(pieces, item.size))
    return left, right


def _flows(items: Sequence[Item], depth: int) -> bool:
    """Whether lines are running text: long, mostly full, without gaps; or columns of that kind themselves."""
    rows = [item for item in items if isinstance(item, Row)]
    if len(rows) < _FEWEST_ROWS:
        return False
    left, _, right, _ = around(row.box for row in rows)
    full = median((row.box[2] - row.box[0]) / max(right - left, 1.0) for row in rows)
    letters = median(map(_letters, rows))
    divided = sum(len(row.parts) > 1 for row in rows) / len(rows)
    if full >= _FULL and letters >= _FEWEST_LETTERS and divided <= _DIVIDED:
        return True
    return divided > _DIVIDED and depth < _DEEPEST and _best_gutter(items, depth + 1) is not None


def _letters(row: Row) -> int:
    return len(row.text) * 2 if has_chinese(row.text) else sum(map(str.isalpha, row.text))
