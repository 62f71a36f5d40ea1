"""Rows as data: cells that a question names, extremes, differences, comparisons and filters, computed."""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from answering.evidence import Unit, columns_of
from answering.quantities import quantities_in, ranges_in, same_dimension, value_of
from answering.question import SUPERLATIVE, Asked
from answering.selection import Selection
from answering.wording import canonical, folded, held_terms, subject_terms, terms_in
from knowledge_base.characters import HAN, has_chinese

_NEGATIVE = re.compile(
    r"^\s*(?:closed|no|none|not\b.*|never|unavailable|nowhere|n/a|-|–|—|无|没有|否|不\S*|未\S*|关闭|停业|休息|闭馆)\s*$",
    re.IGNORECASE,
)

_CURRENCIES = frozenset({"yuan", "dollar", "euro", "pound"})
_MONEY = re.compile(r"\b(?:price|cost|fee|charge|rent|salary|cents?)\b|价|费|租金|月租|工资")
_MONEY_ASKED = re.compile(r"\b(?:cost|fee|price|pay|charged?|rent)s?\b|多少钱|费|价|租金|收多少")
_TIME = re.compile(r"\b(?:days|weeks|months|hours|minutes)\b|天数|月数|分钟|时长")
_CODE = re.compile(r"(?!(?:19|20)\d\d$)[A-Z]{0,4}-?\d{3,}")
_UNIT_OF_NAME = re.compile(r"[(（]((?!\d)[^()（）]{1,20})[)）]$")
_NEGATIVE_ASKED = re.compile(r"\b(?:closed|not|without|don't|doesn't|no)\b|不|没有|关门|停业")
_MEASURES = {
    "amount": ("money",),
    "duration": ("time", "length"),
    "area": ("area",),
    "time": ("clock",),
    "rate": ("percent",),
    "count": ("count",),
}
# What cannot be what is asked for, whatever its column is called: "How many rooms?" is not the rooms' size.
_CLASHES = {
    "count": ("time", "area", "length", "clock"),
    "duration": ("money", "area"),
    "area": ("money", "time", "count"),
}
# The two things of a comparison.
_PAIR_HAN = re.compile(
    r"(?:比较一下|比较|对比一下|对比|请问)?(?:.*[，,：:])?(.{1,14}?)(?:和|与|跟|同|比|还是)(.{1,14}?)"
    r"(?:的|之间|两[个种者款]|有(?:什么|啥|何|哪)|哪|谁|相比|相差|差|每|贵|便宜|高|低|多|少|$)"
)
_MORE_THAN = re.compile(
    r"\b(?:does|do|did|is|are|was|were|on|for|of)\s+(?:the |an? )?([\w' -]{2,40}?)"
    r"(?:\s+(?:costs?|charges?|pays?|takes?|lasts?|earns?|gives?|holds?|seats?|have|has))?"
    r"\s+than\s+(?:for |of |on )?(?:the |an? )?([\w' -]{2,40}?)(?:\s+(?:in|for|does|do|is|has)\b.*)?$",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?:.*\bbetween|.*\bcomparison of|compare|.*\bthan|.*[,:]|is|are|does|do|of|:)\s+"
    r"(?:the |an? )?([\w' -]{2,40}?)"
    r"\s+(?:and|with|to|or|vs\.?|versus|than)\s+"
    r"(?:the |an? )?([\w' -]{2,40}?)(?:\s+(?:in|for|by|cost|differ|have|has|each|at|on)\b.*)?$",
    re.IGNORECASE,
)
_IN_PERCENT = re.compile(r"\b(?:interest|rate|yield|return)s?\b|利率|利息|收益|费率")
# The thing that is asked for: "Which course of the plan takes …?", 哪个馆的藏书…
_HEAD = re.compile(
    r"\b(?:which|what) ([\w'-]+(?: [\w'-]+)?)\b|哪(?:一|几)?[个种家款张些门台项条间]?(\w{1,8})", re.IGNORECASE
)
_RATED = terms_in("interest rate yield return 利率 利息 收益 费率")
_NAME = re.compile(r"\bname\b|名")
_MEASURED = 0.3  # what it is worth that values are of the measure asked for
_SEVERAL = 2
_ON_SUBJECT = 0.35  # how much of the question a series must hold
_ABOUT = 0.2  # what a term of a column's name is worth that the headings hold as well
_FILTERS = 0.05  # … and one with yes and no, by which rows are chosen
_WEAK = 0.2  # the score of a column that the question does not name


@dataclass(frozen=True)
class Cell:
    """One value of a table: its row, the name of its column, and which name stands for it in a comparison."""

    row: Unit
    column: str
    value: str
    name: str


def is_negative(value: str) -> bool:
    """Whether a cell says no: "closed", "none", 不营业, 无."""
    return bool(_NEGATIVE.match(folded(value)))


def key_of(row: Unit) -> str:
    """What names a row: its first cell."""
    return row.cells[0][1]


def name_of(row: Unit) -> str:
    """What a row is called: its first cell, with the second where that is a code: "HL2601 Harbour Daily"."""
    key = key_of(row)
    return f"{key} {row.cells[1][1]}" if _CODE.fullmatch(key) and len(row.cells) > _SEVERAL else key


def names(selection: Selection, row: Unit) -> bool:
    """Whether the question names a row: the whole of its first cell."""
    key = terms_in(key_of(row))
    asked = folded(selection.asked.text)
    return folded(key_of(row)) in asked or (bool(key) and key <= set(selection.asked.terms) | terms_in(asked))


def tables_of(selection: Selection) -> list[tuple[Unit, ...]]:
    """Tables of the allowed units, best first; rows of one document with the same columns are one table."""
    groups: dict[tuple[str, tuple[str, ...]], list[Unit]] = {}
    for unit in selection.allowed:
        if unit.cells:
            groups.setdefault((unit.document, columns_of(unit)), []).append(unit)
    best = {c.unit: c.score for c in selection.candidates}
    weight = {key: max((best.get(u, -9.0) for u in rows), default=-9.0) for key, rows in groups.items()}
    return [tuple(groups[key]) for key in sorted(groups, key=lambda key: -weight[key])]


def column_for(selection: Selection, row: Unit, skip: Iterable[str] = ()) -> tuple[str, str] | None:
    """The column that the question asks of a row, with its value; None if the question names none of them.

    It is the one whose name shares most with the question, else the one that measures what is asked for.
    """
    left = [(name, value) for name, value in row.cells[1:] if name not in set(skip)]
    allowed = [cell for cell in left if may_answer(selection.asked, *cell)]
    if selection.asked.wants == "amount" and _MONEY_ASKED.search(folded(selection.asked.text)):
        allowed = [cell for cell in allowed if dimension_of(*cell) == "money"] or allowed
    best = max(allowed, key=lambda cell: _column_score(selection, row, *cell), default=None)
    return best if best and (_column_score(selection, row, *best) > 0 or len(left) == 1) else None


def may_answer(asked: Asked, name: str, value: str) -> bool:
    """Whether a cell does not measure something else than what is wanted."""
    return dimension_of(name, value) not in _CLASHES.get(asked.wants, ())


def _column_score(selection: Selection, row: Unit, name: str, value: str) -> float:
    asked = selection.asked
    single = held_terms(name) - terms_in(name) - held_terms(": ".join(row.cells[0]))
    terms = (terms_in(name) - terms_in(key_of(row)) | single) & set(selection.weights)
    # What the whole table is about names none of its columns: "deposit" of rates of deposits.
    score = sum(selection.weights[term] * (_ABOUT if term in row.scope_terms else 1.0) for term in terms)
    score += 2.0 * len(asked.years & set(re.findall(r"(?:19|20)\d\d", name)))
    score += 2.0 * any(q.equals(other) for q in asked.quantities for other in quantities_in(name))
    return score + (0.1 if _fits(asked.wants, name, value) else 0.0)


def _fits(wants: str, name: str, value: str) -> bool:
    if wants == "telephone":
        return bool(re.search(r"\d{3,}-\d{3,}|\d{7,}", value))
    dimension = dimension_of(name, value)
    return dimension in _MEASURES.get(wants, ()) or (wants == "time" and is_negative(value))


def dimension_of(name: str, value: str) -> str:
    """What a column measures, by the unit of its value or in its name: "time", "money" …; "" if unknown."""
    found = {q.dimension for q in quantities_in(with_unit(name, value))} - {""}
    if found & _CURRENCIES or (not found and value_of(value) is not None and _MONEY.search(folded(name))):
        return "money"
    if not found and _TIME.search(folded(name)):
        return "time"
    return next(iter(sorted(found)), "")


def with_unit(name: str, value: str) -> str:
    """A bare number with the unit that its column's name has in brackets: "310" of "Price (dollars)"."""
    unit = _UNIT_OF_NAME.search(name)
    if not unit or not re.fullmatch(r"[\d,.]+", value.strip()):
        return value
    return f"{value}{unit[1]}" if re.match(f"[{HAN}]", unit[1]) else f"{value} {unit[1]}"


def series(selection: Selection) -> list[Cell]:
    """The values that a question for the highest or lowest compares: of a column, a row, or alike rows."""
    asked = set(selection.asked.terms)
    best: list[Cell] = []
    best_score = 0.0
    for rows in tables_of(selection)[:8]:
        for cells in _ways(selection, rows):
            if len(cells) < _SEVERAL or sum(value_of(c.value) is not None for c in cells) < _SEVERAL:
                continue
            name = (
                terms_in(f"{cells[0].column} {key_of(cells[0].row)}")
                if len({c.row for c in cells}) == 1
                else (terms_in(cells[0].column) | frozenset.intersection(*(terms_in(c.name) for c in cells)))
            )
            if _measures(selection.asked, cells):
                name |= _RATED & asked
            held = name | terms_in(" ".join((*columns_of(rows[0]), *(c.name for c in cells))))
            precision = len(name & asked) / len(name) if name else 0.0
            if not _comparable_by(selection.asked.compared_by, cells):
                continue
            score = selection.coverage(name & asked) * (0.5 + 0.5 * precision) + 0.5 * selection.coverage(
                held & asked, rows[0].scope_terms
            )
            score += _MEASURED if _measures(selection.asked, cells) else 0.0
            if score > best_score + 0.01:
                best, best_score = cells, score
    return best if best_score >= _ON_SUBJECT else []


def _comparable_by(measure: str, cells: Sequence[Cell]) -> bool:
    """Whether cells measure one thing, and that which the question compares by."""
    measures = {dimension_of(c.column, c.value) for c in cells if value_of(c.value) is not None}
    in_one_row = len({c.row for c in cells}) == 1
    return measures <= {measure, ""} if measure and not in_one_row else not in_one_row or len(measures) == 1


def names_superlative_column(selection: Selection) -> bool:
    """Whether the superlative is the name of a column that is asked of one row: its "smallest deposit"."""
    asked = selection.asked
    return bool(asked.direction) and any(
        folded(name) in folded(asked.text)
        for candidate in selection.candidates[:8]
        if candidate.unit.cells and selection.key_precision(candidate.unit) == 1
        for name in columns_of(candidate.unit)[1:]
        if SUPERLATIVE.search(name)
    )


def _measures(asked: Asked, cells: Sequence[Cell]) -> bool:
    """Whether the values are of the measure that the superlative or what is compared speaks of."""
    measure = asked.compared_by or ("percent" if _IN_PERCENT.search(folded(asked.text)) else "")
    return bool(measure) and {dimension_of(c.column, c.value) for c in cells} - {""} == {measure}


def _naming(asked: Asked, rows: Sequence[Unit]) -> int:
    """The column that names the rows: "Which course …?" asks for courses, where the first has months."""
    columns = columns_of(rows[0])
    found = _HEAD.search(asked.text)
    head = set(subject_terms(found[1] or found[2])) if found else set()
    named = [
        (len(head & terms_in(name)) / len(terms_in(name)), bool(_NAME.search(folded(name))), -place)
        for place, name in enumerate(columns)
        if head & terms_in(name) and not any(quantities_in(row.cells[place][1]) for row in rows)
    ]
    return -max(named)[2] if named else 0


def _called(row: Unit, naming: int) -> str:
    """What a row is called, where the column at `naming` has the names that are asked for."""
    name = row.cells[naming][1]
    return name_of(row) if name in name_of(row) else name


def _ways(selection: Selection, rows: Sequence[Unit]) -> Iterable[list[Cell]]:
    columns = columns_of(rows[0])
    naming = _naming(selection.asked, rows)
    for place, column in enumerate(columns):
        if place in (0, naming):
            continue
        named = [_called(row, naming) for row in rows]
        yield [Cell(r, column, r.cells[place][1], n) for r, n in zip(rows, named, strict=True)]
        alike = [
            row for row in rows if set(selection.asked.terms) & (terms_in(key_of(row)) - terms_in(columns[0]))
        ]
        shared = [row for row in alike if _attribute(row) and _attribute(row) == _attribute(alike[0])]
        if shared:
            yield [Cell(row, column, row.cells[place][1], key_of(row)) for row in shared]
        if len(alike) != len(rows):
            yield [
                Cell(row, column, row.cells[place][1], key_of(row))
                for row in sharing(set(selection.asked.terms), alike)
            ]
    if len(columns) > _SEVERAL:
        for row in rows:
            yield [Cell(row, name, value, name) for name, value in row.cells[1:]]


def sharing(asked: AbstractSet[str], rows: Sequence[Unit]) -> list[Unit]:
    """Those rows whose key holds as many of the terms as any."""
    held = [len(terms_in(key_of(row)) & asked) for row in rows]
    return [row for row, count in zip(rows, held, strict=True) if count == max(held)]


def _attribute(row: Unit) -> str:
    """What is behind the comma of a key such as "Gold card, annual fee"."""
    return folded(key_of(row).partition(", ")[2])


def extreme(cells: Sequence[Cell], highest: bool) -> list[Cell]:
    """The cells with the highest or lowest value; several where they are equal. What is free counts as 0."""
    values = {id(cell): _comparable(cell.value, highest) for cell in cells}
    known = [value for value in values.values() if value is not None]
    if not known:
        return []
    most = max(known) if highest else min(known)
    return [cell for cell in cells if values[id(cell)] == most]


def _comparable(value: str, highest: bool) -> float | None:
    if re.search(r"unlimited|no limit|不限", folded(value)):
        return float("inf")
    if re.match(r"(?:free|免费|免收)\W*$", folded(value)):
        return 0.0
    ranges = ranges_in(value)
    if ranges and not (ranges[0].low == -float("inf") or ranges[0].high == float("inf")):
        return ranges[0].high if highest else ranges[0].low
    found = quantities_in(value)
    return found[0].value if found else value_of(value)


def rows_named(selection: Selection, rows: Sequence[Unit]) -> list[Unit]:
    """The rows of a table that the question names, in its order; 二店 is not named by 十二店."""
    left, found = folded(selection.asked.text), []
    for row in sorted(rows, key=lambda row: -len(key_of(row))):
        key = folded(key_of(row))
        place = left.find(key)
        if place >= 0:
            left = left.replace(key, " " * len(key))
            found.append((place, row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def asked_cells(selection: Selection) -> list[Cell]:
    """The asked column of each row that the question names, of the first table of which it names several."""
    for rows in tables_of(selection)[:6]:
        found = rows_named(selection, rows)
        name = _column_of_all(selection, found) if len(found) >= _SEVERAL else ""
        if name:
            return [Cell(row, name, with_unit(name, dict(row.cells)[name]), key_of(row)) for row in found]
    return []


def _column_of_all(selection: Selection, rows: Sequence[Unit]) -> str:
    """The column that is asked of some rows, "" if there is none; one that is not named differs in them."""
    found = column_for(selection, rows[0])
    if found is None or _column_score(selection, rows[0], *found) >= _WEAK:
        return found[0] if found else ""
    alike = [name for name, value in rows[0].cells[1:] if all(dict(r.cells)[name] == value for r in rows)]
    differing = column_for(selection, rows[0], alike)
    return (differing or found)[0]


def named_cells(selection: Selection, names: Sequence[str]) -> list[Cell]:
    """For each name the cell that is asked of it, from one table; empty if one of them is missing."""
    for rows in tables_of(selection)[:6]:
        columns = columns_of(rows[0])
        as_columns = [next((c for c in columns[1:] if _is_named(name, c)), None) for name in names]
        if all(as_columns) and len(set(as_columns)) == len(names):
            row = max(rows, key=lambda row: selection.coverage(terms_in(key_of(row))))
            if selection.coverage(terms_in(key_of(row))) > 0:
                return [Cell(row, c, dict(row.cells)[c], c) for c in as_columns if c]
        found = [_row_named(selection, name, rows) for name in names]
        if all(found) and len({id(row) for row in found}) == len(names):
            chosen = [row for row in found if row]
            column = _column_of_all(selection, chosen)
            if column:
                return [Cell(row, column, dict(row.cells)[column], key_of(row)) for row in chosen]
    return []


def compared_rows(
    selection: Selection, names: Sequence[str]
) -> tuple[list[str], list[tuple[Unit, list[str]]]]:
    """A comparison of all that is known of some names: its heads, and for each line its row and cells."""
    for rows in tables_of(selection)[:6]:
        columns = columns_of(rows[0])
        as_columns = [next((c for c in columns[1:] if _is_named(name, c)), "") for name in names]
        if all(as_columns) and len(set(as_columns)) == len(names):
            lines = [(row, [key_of(row), *(dict(row.cells)[c] for c in as_columns)]) for row in rows]
            return [columns[0], *as_columns], lines
    for rows in tables_of(selection)[:6]:
        found = [_row_named(selection, name, rows) for name in names]
        if all(found) and len({id(row) for row in found}) == len(names):
            chosen = [row for row in found if row]
            return list(columns_of(rows[0])), [(row, [value for _, value in row.cells]) for row in chosen]
    return [], []


def _row_named(selection: Selection, name: str, rows: Sequence[Unit]) -> Unit | None:
    fitting = [row for row in rows if _is_named(name, key_of(row))]
    return max(fitting, key=lambda row: selection.coverage(terms_in(key_of(row))), default=None)


def _is_named(name: str, text: str) -> bool:
    """Whether a cell or column has that name: all its words, and no character before a Chinese name.

    A Chinese name may be short for the cell (二套房 for 第二套住房), or say more than it (大号箱 and 大号).
    """
    wanted, held = canonical(name), canonical(text).removeprefix("第")
    if has_chinese(wanted):
        place = held.find(wanted)
        if place >= 0:
            return place == 0 or not has_chinese(held[place - 1])
        if len(held) < _SEVERAL or held[:1] != wanted[:1]:
            return False
        return wanted.startswith(held) or (len(wanted) > _SEVERAL and _in_order(wanted, held))
    words = terms_in(name)
    tokens = terms_in(text)
    return bool(words) and (words <= tokens or (len(words) > 1 and bool(tokens) and tokens <= words))


def _in_order(short: str, whole: str) -> bool:
    """Whether all characters of `short` stand in `whole`, in their order."""
    left = iter(whole)
    return all(character in left for character in short)


def items_compared(asked: Asked) -> list[str]:
    """The two or more things that a question compares: "the gold card and the platinum card" gives both."""
    text = re.sub(r"[（(][^（）()]*[)）]", "", asked.text.strip().rstrip("?？.。"))
    if asked.language == "zh":
        found = _PAIR_HAN.search(text)
    else:
        found = _MORE_THAN.search(text) or _PAIR.search(text)
    if not found:
        return []
    first, second = (part.strip() for part in found.groups() if part)
    first = re.sub(r"^.+ of (?:the |an? )?(?=\w)", "", first) if "than" in text else first
    second = re.sub(r"\bones?$", first.split()[-1], second)  # "a large one"
    tail = second.split()[-1] if asked.language == "en" and second.split() else ""
    if tail and len(first.split()) == 1 < len(second.split()) and tail.rstrip("s") not in first:
        first = f"{first} {tail}"  # "gold and platinum card"
    return [first, second]


def difference(first: Cell, second: Cell) -> float | None:
    """How much more the first cell holds, in the second's unit; None if they cannot be compared."""
    one, other = (quantities_in(cell.value) for cell in (first, second))
    if not one or not other or not same_dimension(one[0].dimension, other[0].dimension):
        return None
    return one[0].number - other[0].number


def rows_filtered(selection: Selection) -> tuple[str, list[Unit]]:
    """The column of a question such as "Which branches are open on Saturday?" and the rows that fulfil it.

    Of a column with yes and no, those that say what is asked; of one with kinds, such as "online" and
    "classroom", those of the kind that the question names.
    """
    asked = folded(selection.asked.text)
    for rows in tables_of(selection)[:4]:
        scored = [(selection.coverage(_own_terms(rows[0], name)), name) for name in columns_of(rows[0])[1:]]
        nearest = max(scored)
        for score, column in sorted(scored, reverse=True):
            values = [dict(row.cells)[column] for row in rows]
            if (score, column) == nearest and score > _FILTERS and any(map(is_negative, values)):
                wants_no = bool(_NEGATIVE_ASKED.search(asked))
                return column, [r for r, v in zip(rows, values, strict=True) if is_negative(v) == wants_no]
            kinds = {value for value in values if values.count(value) > 1}
            named = [value for value in kinds if _is_said(folded(value), asked)]
            if len(named) == 1 and len(set(values)) > 1:
                return column, [r for r, v in zip(rows, values, strict=True) if v == named[0]]
    return "", []


def _own_terms(row: Unit, column: str) -> frozenset[str]:
    """What the name of a column says beside what the headings say."""
    return terms_in(column) - row.scope_terms


def _is_said(value: str, text: str) -> bool:
    """Whether a text holds a value as words of their own."""
    if has_chinese(value):
        return len(value) > 1 and value in text
    return bool(re.search(rf"(?<![a-z\d]){re.escape(value)}(?![a-z\d])", text)) and not value.isdigit()
