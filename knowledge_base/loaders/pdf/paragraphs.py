"""Rows become blocks: headings by their size, lines joined to paragraphs, tables as rows."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.lines import joined, starts_item
from knowledge_base.loaders.pdf.aligned import with_aligned_tables
from knowledge_base.loaders.pdf.layout import Item, TextTable
from knowledge_base.loaders.pdf.page import PageText, Region
from knowledge_base.loaders.pdf.rows import Row
from knowledge_base.loaders.tables import guessed_header_rows, looks_like_value, table_blocks
from knowledge_base.values import Block

_HEADING = 1.12  # times the size of the text
_LONGEST_HEADING = 150
_BOLD = 0.0  # stands for the size of headings that are only bold …
_MOST_BOLD = 0.3  # … where no more of the text is
_SHORTEST_BOLD, _LONGEST_BOLD, _LINES_OF_BOLD = 3, 90, 2
_DEEPEST_HEADING = 6
_WIDE_GAP = 1.3  # times the usual distance of lines
_FARTHEST = 1.7  # times the letters' size, for lines of one paragraph
_DOUBLE_SPACED = 2.6  # … however far apart lines usually are
_LONG_LINE = 0.6  # of the text's width: shorter ones end a paragraph, whatever comes next
_LINES_A_LONGER_ONE = 25
_SAME_SIZE = 0.6  # points
_NARROW = 0.55  # of the page's width
_NEAR = 3.0  # points
_SENTENCE_END = re.compile(r"[.!?。！？；;：:][\"'”’）)]*$")
_BULLET = re.compile(r"^[•·●○◦▪➢]\s*")

Levels = Mapping[float, int]


def blocks_of(pages: Sequence[PageText]) -> Iterator[Block]:
    """The blocks of a document; a table that goes on over pages keeps its header."""
    levels = _heading_levels(pages)
    previous: TextTable | None = None
    for number, page in enumerate(pages, start=1):
        first = True
        for groups in _columns(page.regions, levels):
            for group in groups:
                if isinstance(group, TextTable):
                    titles, table = _below_titles(group)
                    yield from (Block(title, page=number) for title in titles)
                    grid = _continued(table, previous) if first else table.grid
                    yield from table_blocks(grid, page=number)
                    previous = replace(table, grid=grid)
                else:
                    yield _block(group, levels, number)
                    previous = None
                first = False
        yield from (Block(text.text, page=number) for text in page.slanted)


def _columns(regions: Sequence[Region], levels: Levels) -> Iterator[list[TextTable | list[Row]]]:
    """The groups of each region; a sentence that goes on at the top of the next column is one group."""
    groups: list[TextTable | list[Row]] = []
    for region in regions:
        following = list(_groups(region, levels))
        if groups and following and _runs_on(groups[-1], following[0], levels):
            following[0] = [*groups.pop(), *following[0]]  # type: ignore[misc]  # both are rows
        yield groups
        groups = following
    yield groups


def _runs_on(above: TextTable | list[Row], below: TextTable | list[Row], levels: Levels) -> bool:
    """Whether text at the end of a column is a sentence whose rest begins the next one."""
    if isinstance(above, TextTable) or isinstance(below, TextTable):
        return False
    last, first = above[-1], below[0]
    if last.size in levels or abs(last.size - first.size) > _SAME_SIZE or last.is_bold != first.is_bold:
        return False
    if _SENTENCE_END.search(last.text) or starts_item(first.text) or _BULLET.match(first.text):
        return False
    if first.text[0].islower():
        return True
    is_full = last.box[2] > max(row.box[2] for row in above) - last.size
    return len(above) > 1 and is_full and has_chinese(last.text[-1]) and has_chinese(first.text[0])


def _heading_levels(pages: Sequence[PageText]) -> Levels:
    """Level by size, for sizes larger than that of most text, and below them for what is only bold."""
    letters: Counter[float] = Counter()
    bold = 0
    for page in pages:
        for region in page.regions:
            for item in region.items:
                if isinstance(item, Row):
                    letters[item.size] += len(item.text)
                    bold += len(item.text) if item.is_bold else 0
    if not letters:
        return {}
    usual = letters.most_common(1)[0][0]
    larger = sorted((size for size in letters if size > usual * _HEADING), reverse=True)
    if bold < _MOST_BOLD * letters.total():
        larger.append(_BOLD)
    return {size: min(level, _DEEPEST_HEADING) for level, size in enumerate(larger, start=1)}


def _is_bold_heading(rows: Sequence[Row], text: str) -> bool:
    """Whether a bold text of the usual size is one: in letters that stand out, and no sentence."""
    if not all(row.is_bold and len(row.parts) == 1 for row in rows) or len(rows) > _LINES_OF_BOLD:
        return False
    if len(text) < _SHORTEST_BOLD and not has_chinese(text):
        return False
    return len(text) <= _LONGEST_BOLD and not _SENTENCE_END.search(text) and not looks_like_value(text)


def _groups(region: Region, levels: Levels) -> Iterator[TextTable | list[Row]]:
    """Tables, and rows that belong together: those of one paragraph or heading."""
    items = list(_with_tables(region.items, levels))
    rows = [item for item in items if isinstance(item, Row)]
    gap = _usual_gap(rows)
    right = _right_edges(rows, levels, region)
    group: list[Row] = []
    for item in items:
        if isinstance(item, Row) and group and _continues(group, item, gap, right):
            group.append(item)
            continue
        if group:
            yield group
        group = []
        if isinstance(item, TextTable):
            yield item
        else:
            group = [item]
    if group:
        yield group


def _with_tables(items: Sequence[Item], levels: Levels) -> Iterator[Item]:
    """The items with tables among the rows between headings."""
    between: list[Item] = []
    for item in items:
        if isinstance(item, Row) and item.size not in levels:
            between.append(item)
        else:
            yield from with_aligned_tables(between)
            between = []
            yield item
    yield from with_aligned_tables(between)


def _block(rows: Sequence[Row], levels: Levels, number: int) -> Block:
    text = joined([row.text for row in rows])
    level = levels.get(rows[0].size, 0)
    if not level and levels.get(_BOLD) and _is_bold_heading(rows, text):
        level = levels[_BOLD]
    if level and len(text) <= _LONGEST_HEADING and any(map(str.isalpha, text)):
        return Block(text, "heading", level, number)
    return Block(_BULLET.sub("- ", text), page=number)


def _usual_gap(rows: Sequence[Row]) -> float:
    """The most frequent distance of two rows, from baseline to baseline."""
    gaps = Counter(
        round(upper.box[1] - lower.box[1])
        for upper, lower in zip(rows, rows[1:], strict=False)
        if upper.box[1] - lower.box[1] > 1 and upper.size == lower.size
    )
    return float(gaps.most_common(1)[0][0]) if gaps else 0.0


def _right_edges(rows: Sequence[Row], levels: Levels, region: Region) -> tuple[float, float]:
    """Where the longest lines of text end, and where they could end.

    These differ where all lines are short on a page that has room beside them. One line in many may be longer
    than the text.
    """
    lines = [row.box for row in rows if row.size not in levels and len(row.parts) == 1]
    if not lines:
        return (max((row.box[2] for row in rows), default=0.0),) * 2
    right = sorted((box[2] for box in lines), reverse=True)[len(lines) // _LINES_A_LONGER_ONE]
    width = region.view.size[0]
    if region.is_whole and right < _NARROW * width:
        return right, max(right, width - max(min(box[0] for box in lines), 0.0) - _NEAR)
    return right, right


def _continues(group: Sequence[Row], row: Row, gap: float, right: tuple[float, float]) -> bool:
    """Whether a row goes on with the paragraph or heading of the rows before it."""
    above = group[-1]
    distance = above.box[1] - row.box[1]
    farthest = min(max(gap * _WIDE_GAP, row.size * _FARTHEST), row.size * _DOUBLE_SPACED)
    if abs(row.size - above.size) > _SAME_SIZE or distance > farthest or row.is_filled or above.is_filled:
        return False
    if row.is_bold != above.is_bold and not row.text[0].islower():
        return False
    if distance < 0 or starts_item(row.text) or _BULLET.match(row.text) or not _is_full(group, row, right):
        return False
    indent = row.box[0] - above.box[0]
    is_item = bool(_BULLET.match(above.text) or starts_item(above.text))
    return indent < row.size or len(group) == 1 and is_item


def _is_full(group: Sequence[Row], row: Row, right: tuple[float, float]) -> bool:
    """Whether the last row of a group has no room for what the next begins with, or a sentence runs on."""
    above = group[-1]
    left = min(line.box[0] for line in group)
    seen, possible = right
    if len(above.parts) > 1 or len(row.parts) > 1:
        return possible - above.box[2] < row.size and above.box[0] - left < row.size
    needed = _first_word(row) + row.size / 2
    if possible - above.box[2] <= needed:
        return True
    if _SENTENCE_END.search(above.text):
        return False
    if row.text[0].islower():
        return above.box[2] - left > _LONG_LINE * (seen - left)
    return (has_chinese(row.text) or seen == possible) and seen - above.box[2] <= needed


def _first_word(row: Row) -> float:
    """About the width of a row's first word; of a Chinese character where it has no blanks."""
    word = row.text.split(" ", 1)[0]
    letters = 1 if has_chinese(word) else len(word)
    return (row.box[2] - row.box[0]) * letters / len(row.text)


def _below_titles(table: TextTable) -> tuple[list[str], TextTable]:
    """The texts across the whole table above its header, and the table below them."""
    titles = []
    rows = list(table.grid)
    while len(rows) > 1 and rows[0][0] and len(set(rows[0])) == 1 and len(set(rows[1])) > 1:
        titles.append(rows.pop(0)[0])
    return titles, replace(table, grid=tuple(rows))


def _continued(table: TextTable, previous: TextTable | None) -> tuple[tuple[str, ...], ...]:
    """The table's rows, under the header of the table before a page break if this one goes on with it."""
    if previous is None or not _has_same_columns(table, previous):
        return table.grid
    header = previous.grid[: guessed_header_rows(previous.grid)]
    return table.grid if table.grid[: len(header)] == header else (*header, *table.grid)


def _has_same_columns(table: TextTable, previous: TextTable) -> bool:
    if len(table.spans) != len(previous.spans) or table.ruled != previous.ruled:
        return False
    pairs = list(zip(table.spans, previous.spans, strict=True))
    if table.ruled:
        return all(abs(a - b) <= _NEAR for one, other in pairs for a, b in zip(one, other, strict=True))
    return all(min(one[1], other[1]) > max(one[0], other[0]) - _NEAR for one, other in pairs)
