"""What stands around the text of the pages: running heads, page numbers, line numbers, watermarks."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import NamedTuple

from knowledge_base.loaders.pdf.layout import Item
from knowledge_base.loaders.pdf.page import PageText, Region
from knowledge_base.loaders.pdf.rows import Piece, Row

_MARGIN = 0.12  # of the visible page's height, above and below
_OUTERMOST = 3  # rows of a margin
_SAME_HEIGHT = 6.0  # points
_APART = 1.8  # times the letters' size, from middle to middle
_REACH = 2  # pages back: left and right pages have heads of their own
_FEWEST_LINE_NUMBERS = 5
_STEPS = (1, 5, 10)  # of line numbers
_COUNTING = 0.8  # of the steps from one line number to the next are the same
_RUNNING = 0.25  # of numbered lines go on with a sentence
_FEWEST_EMPTY = 3  # numbers without text beside them

_NUMBER = re.compile(r"(\d{1,4})")
_LEADING = re.compile(r"(\d{1,4})(?: (?=\S)|$)(.*)")
_DASH = r"[\s|·•–—-]*"
_OF = r"(?:\s*(?:of|von|/|／|[,，]?\s*共)\s*\d{1,4}\s*[页頁]?)?"
_PAGE = rf"(?:\b(?:page|seite|p\.)\s*\d{{1,4}}|第\s*\d{{1,4}}\s*[页頁]){_OF}"
_BARE = re.compile(rf"{_DASH}(\d{{1,4}})\s*(?:(?:[/／]|of)\s*\d{{1,4}})?{_DASH}")
_ROMAN = re.compile(rf"{_DASH}[ivxlc]{{1,6}}{_DASH}")
# The page's number beside other text: named as such, or behind a sign that parts it from the text.
_PAGE_PART = re.compile(
    rf"[\W_]*{_PAGE}[\W_]*|^\d{{1,4}}\s*[|·•–—]\s*|\s*[|·•–—]\s*\d{{1,4}}$", re.IGNORECASE
)
_STAMP = re.compile(r"scanned (?:by|with)|camscanner|扫描全能王|扫描王|夸克扫描", re.IGNORECASE)


class _Edge(NamedTuple):
    """A part of a row in the upper or lower margin, at a height from that edge.

    `is_apart` if there is room between the row and the next towards the middle of the page.
    """

    upper: bool
    height: float
    is_apart: bool
    row: Row
    part: Piece


def without_frames(pages: Sequence[PageText]) -> list[PageText]:
    """The pages without page and line numbers, with running heads and watermarks only where they come first.

    A running head repeats word for word, digits included, but for a number that counts the pages.
    """
    edges = [list(_edges(page)) for page in pages]
    numbers = [_page_numbers(edges, index) for index in range(len(pages))]
    stamped: set[str] = set()
    found = []
    for index, page in enumerate(pages):
        heads = _heads(edges, index, numbers[index])
        regions = [_without(region, numbers[index], heads) for region in page.regions]
        slanted = tuple(text for text in page.slanted if text.text not in stamped)
        slanted = tuple({text.text: text for text in slanted}.values())
        stamped.update(text.text for text in slanted)
        found.append(replace(page, regions=tuple(filter(None, regions)), slanted=slanted))
    return found


def is_stamped_picture(page: PageText, pages: Sequence[PageText]) -> bool:
    """Whether a page is a picture whose only text is what a program for scanning prints on each page."""
    rows = list(_rows(page))
    if len(rows) > _OUTERMOST:
        return False
    others = Counter(row.text for other in pages for row in _rows(other))
    return all(
        _STAMP.search(row.text) or (others[row.text] == len(pages) > 1) or _BARE.fullmatch(row.text)
        for row in rows
    )


def _rows(page: PageText) -> Iterator[Row]:
    return (item for region in page.regions for item in region.items if isinstance(item, Row))


def _edges(page: PageText) -> Iterator[_Edge]:
    """The parts of rows in the page's upper and lower margin, from the edges inwards."""
    for upper in (True, False):
        near: list[tuple[float, float, Row]] = []
        for region in page.regions:
            height = region.view.size[1]
            for row in region.items:
                if isinstance(row, Row):
                    middle = (row.box[1] + row.box[3]) / 2
                    near.append((height - middle if upper else middle, height, row))
        near.sort(key=lambda entry: entry[0])
        for number, (distance, height, row) in enumerate(near):
            inner = next((d for d, _, _ in near[number + 1 :] if d - distance > row.size / 2), height)
            if distance > _MARGIN * height or number >= _OUTERMOST and distance > near[_OUTERMOST - 1][0] + 1:
                break
            yield from (
                _Edge(upper, distance, inner - distance > _APART * row.size, row, part) for part in row.parts
            )


def _page_numbers(edges: Sequence[Sequence[_Edge]], index: int) -> list[Piece]:
    """Parts that are nothing but the page's number."""
    found = []
    for edge in edges[index]:
        text = edge.part.text
        bare = _BARE.fullmatch(text)
        if not _PAGE_PART.sub("", text):
            found.append(edge.part)
        elif not (edge.is_apart and len(edge.row.parts) <= 2):  # noqa: PLR2004 - a number and a head
            continue
        elif _ROMAN.fullmatch(text) or bare and _is_own_number(edges, index, edge.upper, int(bare[1])):
            found.append(edge.part)
    return found


def _is_own_number(edges: Sequence[Sequence[_Edge]], index: int, upper: bool, number: int) -> bool:
    """Whether a number is that of the page's place, or one more or less than that of a page beside it."""
    return number == index + 1 or _counts(edges, index, upper, number)


def _counts(edges: Sequence[Sequence[_Edge]], index: int, upper: bool, number: int) -> bool:
    """Whether a page beside this one has the number before or after this in the same margin."""
    for other in (index - 1, index + 1):
        if 0 <= other < len(edges):
            for edge in edges[other]:
                bare = _BARE.fullmatch(edge.part.text)
                if bare and edge.upper == upper and int(bare[1]) - number == other - index:
                    return True
    return False


def _heads(edges: Sequence[Sequence[_Edge]], index: int, numbers: Sequence[Piece]) -> set[int]:
    """The ids of rows that stood at the same height on a page shortly before, from the edges inwards."""
    before = [edge for page in range(max(0, index - _REACH), index) for edge in edges[page]]
    heads: set[int] = set()
    for side in (True, False):
        own = (edge for edge in edges[index] if edge.upper == side)
        found: list[_Edge] = []
        for _, row in groupby(own, key=lambda edge: round(edge.height)):
            others = [edge for edge in row if not any(edge.part is number for number in numbers)]
            if not all(_times(edge, before) for edge in others):
                break
            found += others
        # lines of the text itself may repeat too, but neither apart from the rest nor page after page
        if found and (found[-1].is_apart or all(_times(edge, before) == _REACH for edge in found)):
            heads.update(id(edge.row) for edge in found)
    return heads


def _times(edge: _Edge, before: Sequence[_Edge]) -> int:
    """How often a part stood at the same height before, but for the page's number in it."""
    text = _PAGE_PART.sub("", edge.part.text)
    return sum(
        other.upper == edge.upper
        and abs(other.height - edge.height) < _SAME_HEIGHT
        and _PAGE_PART.sub("", other.part.text) == text
        for other in before
    )


def _without(region: Region, numbers: Sequence[Piece], heads: set[int]) -> Region | None:
    line_numbers = _line_numbers(region.items)
    items: list[Item] = []
    for item in region.items:
        kept: Item | None = item
        if isinstance(item, Row):
            kept = None if id(item) in heads else _kept(item, numbers, line_numbers)
        if kept:
            items.append(kept)
    return replace(region, items=tuple(items)) if items else None


def _kept(row: Row, numbers: Sequence[Piece], line_numbers: Mapping[int, str]) -> Row | None:
    """A row without its page and line numbers."""
    counted = [part for part in row.parts if any(part is number for number in numbers)]
    pieces = [piece for piece in row.pieces if not any(_holds(part, piece) for part in counted)]
    kept = [piece._replace(text=line_numbers.get(id(piece), piece.text)) for piece in pieces]
    kept = [piece for piece in kept if piece.text]
    if kept == list(row.pieces):
        return row
    return Row(kept, row.size) if kept else None


def _holds(part: Piece, piece: Piece) -> bool:
    return part.box[0] <= piece.box[0] and piece.box[2] <= part.box[2]


def _line_numbers(items: Iterable[Item]) -> dict[int, str]:
    """By the ids of pieces that begin or end with the number of their line, what is left of their text."""
    rows = [item for item in items if isinstance(item, Row)]
    for side, number in ((0, _LEADING), (-1, _NUMBER)):
        found = [
            (index, match)
            for index, row in enumerate(rows)
            if len(row.parts) <= 2 and (match := number.fullmatch(row.pieces[side].text))  # noqa: PLR2004
        ]
        steps = Counter(
            (int(after[1][1]) - int(before[1][1]), after[0] - before[0]) for before, after in pairwise(found)
        )
        step, times = steps.most_common(1)[0] if steps else ((0, 0), 0)
        counts = step[0] == step[1] and step[0] in _STEPS and times >= _COUNTING * (len(found) - 1)
        texts = [rows[index].text[len(match[1]) :].strip() for index, match in found]
        if len(found) >= _FEWEST_LINE_NUMBERS and counts and any(texts) and (side == -1 or _runs(texts)):
            return {id(rows[index].pieces[side]): match[2] if side == 0 else "" for index, match in found}
    return {}


def _runs(lines: Sequence[str]) -> bool:
    """Whether numbered lines are not the items of a list: some begin within a sentence, or are empty."""
    within = sum(line[:1].islower() for line in lines)
    return within > _RUNNING * len(lines) or lines.count("") >= _FEWEST_EMPTY
