"""Comparisons, differences and extremes, computed from the cells of tables and shown with their figures."""

import re
from collections.abc import Callable, Sequence

from answering import tables
from answering.draft import Draft, Line, table_lines, unit_lines
from answering.evidence import Unit, columns_of, definition_of
from answering.quantities import quantities_in
from answering.question import Asked
from answering.selection import Selection
from answering.statement import with_year
from answering.wording import folded, subject_chunks, terms_in
from knowledge_base.characters import has_chinese

# Searches for a part of the question by itself.
Select = Callable[[Asked], Selection]

_PAIR = 2
_LONGEST = 12  # values that are shown beside the highest
_NAMED = 0.15  # share of the question that names a row of a comparison
_NEAREST = 8  # units among which the row of a thing is looked for
_IN_FULL = 0.99  # share of a row's key that the question says
_MORE = re.compile(
    r"\b(?P<more>more|higher|longer|larger|bigger)\b|\b(?P<less>less|fewer|lower|cheaper|shorter|smaller)\b|\bbetter\b"
    r"|(?<=哪)[个种家款张一]*|[较更]?(?:(?P<up>[高贵多长久])|(?P<down>便宜|[低短]|(?<!多)少)|划算|好)(?:一?[些点])?(?=[？?]?$)"
)
_PAID = re.compile(r"\b(?:paid|with a (?:fee|charge))\b|要?收费的?|付费|要收.{0,3}费", re.IGNORECASE)
_BY_HOW_MUCH = re.compile(
    r"差|贵|便宜|高多少|低多少|多多少|少多少|\bhow much\b|\bhow many more\b|\bdifference in\b"
)
_DIFFERENCE = re.compile(r"\bdifference\b|差别|区别|差异", re.IGNORECASE)
_SUPERLATIVE = re.compile(
    r"(?:the )?((?:highest|lowest|most|least|cheapest|largest|biggest|smallest|longest|shortest|fewest"
    r"|greatest|maximum|minimum)(?: [\w-]+){0,3})",
    re.IGNORECASE,
)
_WHICH_IS = re.compile(
    r"\b(?:which|what)\b (?:(?!\b(?:is|has|gives|takes|costs)\b)[\w' -])*?"
    r"(?P<is>\b(?:is|has|gives|takes|costs|pays|offers|lasts|holds|earns|charges|needs|allows) .*)",
    re.IGNORECASE,
)
_SUPERLATIVE_HAN = re.compile("最[高大多长贵久低小少短]|最便宜")
_MEASURED_HAN = {"最贵": "最高", "最便宜": "最低", "最久": "最长"}  # as one says it of a price or a time


def compared(selection: Selection, select: Select) -> Draft | None:
    """The comparison, difference or extreme that is asked for, with its figures; None without them."""
    if selection.asked.direction:
        return _extreme(selection)
    if len(selection.asked.years) == _PAIR:
        return _between_years(selection)
    names = tables.items_compared(selection.asked)
    found = _between(selection, names)
    if found or len(names) != _PAIR:
        return found
    attribute = _without(selection, names)
    parts = [select(Asked(f"{name} {attribute}".strip())) for name in names]
    found = _across(selection, parts)
    return found or (None if asks_by_how_much(selection.asked) else _side_by_side(names, parts))


def _without(selection: Selection, names: Sequence[str]) -> str:
    """What a question asks of the things that it compares: their interest, their price."""
    text = selection.asked.text
    for name in names:
        text = text.replace(name, " ")
    return " ".join(chunk for chunk in subject_chunks(_MORE.sub(" ", text)))


def _across(selection: Selection, parts: Sequence[Selection]) -> Draft | None:
    """The cells that answer of two things, from whichever tables hold them; None without both."""
    cells = [cell for part in parts if (cell := _own_cell(part))]
    if len(cells) < _PAIR or cells[0].row == cells[1].row:
        return None
    first, second = cells
    if asks_by_how_much(selection.asked):
        return _subtracted(selection, first, second)
    more = tables.difference(first, second)
    if more is None:
        return None
    heads = [columns_of(first.row)[0], first.column]
    rows = table_lines(heads, [(c.row, [c.name, c.value]) for c in cells])
    lead = _which(selection, *(cells if more > 0 else reversed(cells))) if more else ""
    return Draft((*([Line(lead, (first.row, second.row))] if lead else []), *rows))


def _which(selection: Selection, more: tables.Cell, less: tables.Cell) -> str:
    """Which of two it is that is higher, or cheaper, as the question has it; "" where it asks for neither."""
    found = [match for match in _MORE.finditer(selection.asked.text) if any(match.groups())]
    if not found:
        return ""
    is_more = bool(found[-1]["more"] or found[-1]["up"])
    one, other = (more, less) if is_more else (less, more)
    if selection.asked.language == "zh":
        return f"{one.name}{found[-1][0].strip('更较')}，为{one.value}；{other.name}为{other.value}。"
    return f"{one.name} is {found[-1][0].lower()}: {one.value}; {other.name}: {other.value}."


def _own_cell(part: Selection) -> tables.Cell | None:
    """The asked cell of the row that a question names in full."""
    for candidate in part.candidates[:_NEAREST]:
        row = candidate.unit
        if row.cells and candidate.fits and part.key_precision(row) > _IN_FULL:
            column = tables.column_for(part, row)
            if column:
                return tables.Cell(row, column[0], tables.with_unit(*column), tables.key_of(row))
    return None


def _side_by_side(names: Sequence[str], parts: Sequence[Selection]) -> Draft | None:
    """What is said of each of two things, one after the other; says which of them is in no document."""
    told = [_told_of(name, part) for name, part in zip(names, parts, strict=True)]
    if not any(told):
        return None
    lines: list[Line] = []
    for name, units in zip(names, told, strict=True):
        if units:
            lines.append(Line(f"**{name[:1].upper()}{name[1:]}**", tuple(units[:1]), "\n\n"))
            lines += unit_lines(units)
            continue
        says = (
            f"文档中没有关于“{name}”的内容。"
            if has_chinese(name)
            else f"The documents say nothing of “{name}”."
        )
        lines.insert(0, Line(says))
    return Draft(tuple(lines), "answered" if all(told) else "related")


def _told_of(name: str, part: Selection) -> list[Unit]:
    """The definition of a thing, else the first list or table under a title or heading that names it."""
    wanted = terms_in(name)
    units = part.evidence.units
    if part.asked.wants:
        named = [
            c.unit for c in part.candidates if c.unit.cells and c.fits and tables.column_for(part, c.unit)
        ]
        rows = [u for u in named if wanted <= u.terms | u.scope_terms and u.document == named[0].document]
        if rows:
            return sorted(rows[:_LONGEST], key=lambda unit: unit.start)
    defined = [u for u in units if (d := definition_of(u)) and wanted <= terms_in(d[0])]
    if defined:
        return defined[:1]
    fitting = [s for s in part.evidence.sections if part.editions.allows(part.asked, s.body[0])]
    titled = [s for s in fitting if wanted <= terms_in(s.units[0].passage.title)]
    sections = titled or [s for s in fitting if wanted <= terms_in(" ".join(s.path))]
    listed = [s for s in sections if sum(u.kind in ("item", "row") for u in s.body) > 1]
    return [u for section in (listed or sections)[:1] for u in section.body[:_LONGEST]]


def _between(selection: Selection, names: Sequence[str]) -> Draft | None:
    """The difference of two things that the question names, or their rows in one table."""
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
    if _PAID.search(selection.asked.text):
        cells = [cell for cell in cells if quantities_in(cell.value)]
    best = tables.extreme(cells, selection.asked.direction == "highest")
    if not best:
        return None
    year = selection.editions.year_of(best[0].row)
    lead = _most_chinese(selection, best) if selection.asked.language == "zh" else _most(selection, best)
    if year and not selection.asked.years:
        lead = with_year(lead, year)
    rows = list(dict.fromkeys(c.row for c in cells))
    return Draft((Line(lead, tuple(dict.fromkeys(c.row for c in best))), *_compared_values(cells, rows)))


def _most(selection: Selection, best: Sequence[tables.Cell]) -> str:
    """ "Which room is the largest?" and the largest: "Room 4 is the largest: 60 m2."."""
    value = tables.with_unit(best[0].column, best[0].value)
    asks = _WHICH_IS.search(selection.asked.text)
    if asks and len(best) == 1:
        return f"{best[0].name} {asks['is'].rstrip(' ?')}: {value}."
    found = _SUPERLATIVE.search(selection.asked.text)
    word = found[1][:1].upper() + found[1][1:] if found else "Highest"
    return f"{word}: {', '.join(f'{cell.name} ({cell.value})' for cell in best[:4])}."


def _most_chinese(selection: Selection, best: Sequence[tables.Cell]) -> str:
    """ "哪个馆的藏书最多？" and the largest: "中心馆的藏书最多，为150000册。"."""
    found = _SUPERLATIVE_HAN.search(selection.asked.text)
    word = _MEASURED_HAN.get(found[0], found[0]) if found else "最高"
    first = best[0]
    of = first.column if first.name != first.column else tables.key_of(first.row)
    of = re.sub(rf"^(?:(?:19|20)\d\d年)?(?:今年|去年|{word})?|[(（].*", "", of)
    named = "、".join(cell.name for cell in best[:4])
    return f"{named}的{of}{word}，为{tables.with_unit(first.column, first.value)}。"


def _compared_values(cells: Sequence[tables.Cell], rows: Sequence[Unit]) -> list[Line]:
    if len(cells) > _LONGEST:
        return []
    head = tables.key_of(rows[0]) if len(rows) == 1 else cells[0].column
    first = "" if len(rows) == 1 else columns_of(rows[0])[0]
    return table_lines([first, head], [(c.row, [c.name, c.value]) for c in cells])


def _same_key(one: Unit, other: Unit) -> bool:
    return re.sub(r"(?:19|20)\d\d", "", tables.key_of(one)) == re.sub(
        r"(?:19|20)\d\d", "", tables.key_of(other)
    )
