"""Comparisons, differences and extremes, computed from the cells of tables and shown with their figures."""

import re
from collections.abc import Sequence

from answering import tables
from answering.draft import Draft, Line, table_lines
from answering.evidence import Unit, columns_of
from answering.quantities import quantities_in
from answering.question import Asked
from answering.selection import Selection
from answering.wording import folded, terms_in

_PAIR = 2
_LONGEST = 12  # values that are shown beside the highest
_NAMED = 0.15  # share of the question that names a row of a comparison
_BY_HOW_MUCH = re.compile(
    r"差|贵|便宜|高多少|低多少|多多少|少多少|\bhow much\b|\bhow many more\b|\bdifference in\b"
)
_DIFFERENCE = re.compile(r"\bdifference\b|差别|区别|差异", re.IGNORECASE)
_SUPERLATIVE = re.compile(
    r"(?:the )?((?:highest|lowest|most|least|cheapest|largest|biggest|smallest|longest|shortest|fewest"
    r"|greatest|maximum|minimum)(?: [\w-]+){0,3})",
    re.IGNORECASE,
)


def compared(selection: Selection) -> Draft | None:
    """The comparison, difference or extreme that is asked for, with its figures; None without them."""
    if selection.asked.direction:
        return _extreme(selection)
    return _between_years(selection) if len(selection.asked.years) == _PAIR else _between(selection)


def _between(selection: Selection) -> Draft | None:
    """The difference of two things that the question names, or both side by side."""
    names = tables.items_compared(selection.asked)
    cells = tables.asked_cells(selection)
    if len(cells) != _PAIR:
        cells = tables.named_cells(selection, names) if len(names) == _PAIR else []
    if asks_by_how_much(selection.asked):
        return _subtracted(selection, cells[0], cells[1]) if cells else None
    if len(names) < _PAIR:
        return None
    if (
        len(cells) == _PAIR
        and _DIFFERENCE.search(selection.asked.text)
        and _names_column(selection, cells[0])
    ):
        return _subtracted(selection, cells[0], cells[1])
    heads, rows = tables.compared_rows(selection, names)
    asked_row = [(row, cells) for row, cells in rows if selection.coverage(terms_in(cells[0])) > _NAMED]
    if rows and heads[1:] and asked_row and len(asked_row) < len(rows):
        rows = asked_row
    return Draft(tuple(table_lines(heads, rows))) if rows else None


def _names_column(selection: Selection, cell: tables.Cell) -> bool:
    """Whether the question names the value that differs, and not only the two that have it."""
    value = terms_in(tables.key_of(cell.row)) if cell.name == cell.column else terms_in(cell.column)
    return bool((value - terms_in(cell.name) - cell.row.scope_terms) & set(selection.weights)) and bool(
        quantities_in(cell.value)
    )


def asks_by_how_much(asked: Asked) -> bool:
    """Whether a difference is asked for: what cannot be computed is not answered then."""
    return bool(_BY_HOW_MUCH.search(folded(asked.text)))


def summed(selection: Selection) -> Draft | None:
    """The sum of the cells that are asked for together, with each of them; None without two that add up."""
    cells = tables.asked_cells(selection)
    found = [quantities_in(cell.value) for cell in cells]
    if len(cells) < _PAIR or not all(found) or len({one[0].dimension for one in found}) > 1:
        return None
    total = _in_form_of(cells[-1].value, sum(one[0].number for one in found))
    units = tuple(dict.fromkeys(cell.row for cell in cells))
    if selection.asked.language == "zh":
        parts = "，".join(f"{cell.name}为{cell.value}" for cell in cells)
        return Draft((Line(f"合计{total}：{parts}。", units),))
    parts = ", ".join(f"{cell.name} {cell.value}" for cell in cells)
    return Draft((Line(f"Together {total}: {parts}.", units),))


def _in_form_of(value: str, amount: float) -> str:
    """An amount written with the unit of a cell's first number."""
    plain, form = quantities_in(value)[0], folded(value)
    number = f"{abs(amount):,.2f}".rstrip("0").rstrip(".")
    shown = re.sub(r"[\d,.]+", number, form[plain.start : plain.end], count=1)
    return f"{shown} yuan" if plain.dimension == "yuan" and not re.search(r"yuan|元", shown) else shown


def _subtracted(selection: Selection, first: tables.Cell, second: tables.Cell) -> Draft | None:
    found = tables.difference(first, second)
    if found is None:
        return None
    shown = _in_form_of(second.value, found)
    units = tuple(dict.fromkeys((first.row, second.row)))
    if selection.asked.language == "zh":
        said = f"相差{shown}：{first.name}为{first.value}，{second.name}为{second.value}。"
    else:
        said = f"The difference is {shown}: {first.name} {first.value}, {second.name} {second.value}."
    return Draft((Line(said, units),))


def _between_years(selection: Selection) -> Draft | None:
    """The same row in two editions, or two columns that are years."""
    later, earlier = sorted(selection.asked.years, reverse=True)
    rows = [c.unit for c in selection.candidates if c.unit.cells and c.fits]
    for row in rows[:3]:
        columns = {y: next((n for n in columns_of(row) if y in n), "") for y in (later, earlier)}
        if all(columns.values()):
            cells = [tables.Cell(row, n, dict(row.cells)[n], y) for y, n in columns.items()]
            return _subtracted(selection, *cells)
    for row in rows[:3]:
        year = selection.editions.year_of(row)
        other = next(
            (r for r in rows if selection.editions.year_of(r) not in ("", year) and _same_key(r, row)),
            None,
        )
        if year and other:
            pair = sorted((row, other), key=selection.editions.year_of, reverse=True)
            made = [tables.column_for(selection, r) for r in pair]
            if all(made):
                cells = [
                    tables.Cell(r, c[0], c[1], selection.editions.year_of(r))
                    for r, c in zip(pair, made, strict=True)
                    if c
                ]
                return _subtracted(selection, *cells)
    return None


def _extreme(selection: Selection) -> Draft | None:
    cells = tables.series(selection)
    best = tables.extreme(cells, selection.asked.direction == "highest")
    if not best:
        return None
    zh = selection.asked.language == "zh"
    said = ("，" if zh else ", ").join(
        f"{c.name}（{c.value}）" if zh else f"{c.name} ({c.value})" for c in best[:4]
    )
    word = _superlative(selection)
    year = selection.editions.year_of(best[0].row)
    tail = (f"（{year}年）" if zh else f" ({year})") if year and not selection.asked.years else ""
    lead = f"{word}的是{said}{tail}。" if zh else f"{word}: {said}{tail}."
    rows = list(dict.fromkeys(c.row for c in cells))
    return Draft((Line(lead, tuple(dict.fromkeys(c.row for c in best))), *_compared_values(cells, rows)))


def _compared_values(cells: Sequence[tables.Cell], rows: Sequence[Unit]) -> list[Line]:
    if len(cells) > _LONGEST:
        return []
    head = tables.key_of(rows[0]) if len(rows) == 1 else cells[0].column
    first = "" if len(rows) == 1 else columns_of(rows[0])[0]
    return table_lines([first, head], [(c.row, [c.name, c.value]) for c in cells])


def _superlative(selection: Selection) -> str:
    if selection.asked.language == "zh":
        found = re.search("最[高大多长贵久低小少短]|最便宜", selection.asked.text)
        return found[0] if found else "最高"
    found = _SUPERLATIVE.search(selection.asked.text)
    return found[1][:1].upper() + found[1][1:] if found else "Highest"


def _same_key(one: Unit, other: Unit) -> bool:
    return re.sub(r"(?:19|20)\d\d", "", tables.key_of(one)) == re.sub(
        r"(?:19|20)\d\d", "", tables.key_of(other)
    )
