"""Tables: each row becomes one block that names its columns, so that it can be read by itself."""

import re
from collections.abc import Iterable, Iterator, Sequence

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.bounds import limited, spend
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.values import Block

Grid = Sequence[Sequence[str]]


class Merged(str):
    """The text of a merged cell, repeated at a place that the cell covers beside its own."""

    __slots__ = ()


def merged(text: str) -> str:
    """`text` as `Merged`; a very long one as it is, since a copy at each place would take too much memory."""
    return Merged(text) if len(text) < _MOST_COPIED else text


# What values look like and column names do not: amounts, rates, dates, times. A year may be a name.
_VALUE = re.compile(
    r"[-+~≈<>≤≥−(（]?\s*(?:[¥$€£￥]|RMB|CNY|USD|EUR|HKD)?\s*[-+−]?\d[\d,.:/-]*[)）]?"
    r"\s*(?:[%％‰元]|万元|亿元|yuan|USD|CNY|EUR|€)?"
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s*年(?!\s*\d).*|\s+(?!yuan|USD|CNY)[A-Za-z].*)?")
_NUMBER = re.compile(r"\d[\d,.:/-]*")
_LABELLED = re.compile(r"\S[^：:]{0,14}[：:]\s*\S.*", re.DOTALL)
_DATE = re.compile(r"(?:19|20)\d\d")
_CHECKBOX = re.compile(r"[□☐☑☒✓√■]")
# Names of fields in forms, which name the cell beside them and not a column.
_FIELD = re.compile(
    r"(?:姓名|性别|年龄|民族|国籍|出生(?:日期|年月)|(?:身份证|证件)号?码?|证件类型|(?:联系|手机|办公)?电话|手机号?码?|"
    r"(?:通讯|联系|电子|家庭|工作|注册)?(?:地址|邮箱|邮件)|邮编|邮政编码|单位名称|工作单位|职务|职称|学历|婚姻状况|"
    r"账号|账户名称|户名|开户行|申请人|申请日期|经办人|联系人|法定代表人|传真|网址|签名|日期|"
    r"(?:full |first |last |family )?name|surname|sex|gender|age|nationality|date of birth|born|"
    r"(?:tele)?phone(?: number)?|mobile|fax|e-?mail|address|postcode|zip(?: code)?|city|country|"
    r"id (?:no\.?|number)|passport(?: no\.?| number)?|account(?: no\.?| number)?|iban|employer|occupation|"
    r"applicant|signature|date|marital status|customer no\.?)",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(r"指|是指|系指|即|为|[:：=—–-]+|means|is|stands for", re.IGNORECASE)
# What is filled into a form differs in kind from field to field.
_DAY = re.compile(
    r"(?:19|20)\d\d\s*[-./年]\s*\d|\d\s*[-./ ]\s*(?:\d\d?|[A-Z][a-z]{2,8})\s*[-./ ,]\s*(?:19|20)\d\d"
)
_QUANTITY = re.compile(r"[\d,.]+\s*\S{1,5}")
_CODE = re.compile(r"(?=.*\d)[A-Za-z\d][A-Za-z\d/_-]+(?: [A-Z\d]+)*")
_MANY_SORTS = 3
_NO_NAMES = frozenset(
    ["项目", "内容", "名称", "说明", "Field", "Item", "Name", "Value", "Details", "Content"]
)
_PAIR = 2  # columns of a table of names and values
_MOST_HEADER_ROWS = 3
_LONGEST_NAME = 12  # Chinese characters of a column's name; letters count half
_MOST_COPIED = 200
_ROWS_AT_ONCE = 10_000
_SHORT = 12  # a text that rows may repeat in each of their cells


def table_blocks(grid: Grid, header_rows: int | None = None, page: int | None = None) -> Iterator[Block]:
    """One block of kind "row" per row: `Card: Platinum; Annual fee: 680`, in Chinese with ： and ；.

    Args:
        grid: cells by row; a merged cell repeats its text in all its places, best as `Merged`.
        header_rows: how many rows at the top name the columns; None to judge by their content.
        page: page, slide or sheet of the table.

    Empty cells and rows are left out. A row that is one cell across the table becomes plain text; one that
    names the columns anew does so for the rows below it. Definitions (`本行 指 示例银行`) keep their words.
    Forms (name, value, name, value) become pairs.
    """
    rows = _clean(grid)
    if not rows:
        return
    if header_rows is None and _is_definitions(rows):
        yield from (Block(" ".join(cell for cell in row if cell), "row", page=page) for row in rows)
        return
    if not header_rows and _is_form(rows):
        yield from _form_blocks(rows, page)
        return
    count = guessed_header_rows(rows) if header_rows is None else header_rows
    names = _names(rows[:count], len(rows[0]))
    columns = names if any(names) else rows[0]
    wide = any(has_chinese(name) for name in columns)
    body = rows[count:]
    if count and all(map(_is_note, body)):  # nothing that the names would stand with
        yield from (_row(_distinct(row), wide, page) for row in rows)
        return
    unfilled = [name for name, cells in zip(names, zip(*body, strict=True), strict=True) if not any(cells)]
    if any(unfilled):
        yield _row(_distinct(unfilled), wide, page)
    for number, row in enumerate(body):
        if _is_note(row):
            yield Block(row[0], page=page)
        elif header_rows is None and count and _is_header_again(row, rows[count - 1], body[number + 1 :]):
            names = _names([row], len(row))
        elif not count and len(row) == _PAIR:
            yield _row([_named(row[0], row[1], wide)] if all(row) else _distinct(row), wide, page)
        else:
            pairs = zip(names, row, strict=True)
            yield _row((_named(name, cell, wide) for name, cell in pairs if cell), wide, page)


def sheet_blocks(grid: Iterable[Sequence[str]], page: int | None = None) -> Iterator[Block]:
    """Tables as spreadsheets hold them: below and beside each other, with lines of text above.

    Empty rows divide tables. An empty column does where what is right of it reads as a table of its own,
    which a column that only spaces the years of a statement apart does not.
    """
    header: list[Sequence[str]] = []
    for part, continues in _parts(grid):
        if continues:
            yield from table_blocks([*header, *part], len(header), page)
            continue
        for table in _beside(part):
            header = []
            yield from _titled_blocks(table, page, header)


def guessed_header_rows(rows: Grid) -> int:
    """How many rows at the top hold names only: none if the first holds a value.

    `3 months` is a name above rates, and a value above `6 months` or in a table of names and values. A first
    row that repeats itself (merged cells) goes on in the next, as long as that holds names only.
    """
    if len(rows) < 2 or any(looks_like_value(cell) for cell in rows[0]):  # noqa: PLR2004 - header and body
        return 0
    counted = [
        column for column, cell in enumerate(rows[0]) if cell[:1].isdigit() and not _YEAR.fullmatch(cell)
    ]
    if len(rows[0]) == _PAIR and (counted or _is_dictionary(rows)):
        return 0
    if any(_shape(rows[0][column]) == _shape(row[column]) for column in counted for row in rows[1:]):
        return 0
    count = 1
    while count < min(_MOST_HEADER_ROWS, len(rows) - 1) and _is_open(rows[count - 1], rows[count]):
        count += 1
    return count


def looks_like_value(cell: str) -> bool:
    """Whether a cell holds an amount, rate or date rather than a name."""
    return bool(_VALUE.fullmatch(cell)) and not _YEAR.fullmatch(cell)


def _is_dictionary(rows: Grid) -> bool:
    """Whether two columns are names and what they name, from the first row on: a header's name is short."""
    values = [row[1] for row in rows[1:] if row[1]]
    labels = [row[0] for row in rows if row[0]]
    if any(looks_like_value(label) for label in labels):
        return False
    if sum(map(_is_label, labels)) * 2 > len(labels) > 1:
        return True
    if len({_sort_of(value) for value in values}) >= _MANY_SORTS and not set(rows[0]) <= _NO_NAMES:
        return True
    if not values or sum(looks_like_value(value) for value in values) * 2 > len(values):
        return False
    return _length(rows[0][1]) > _LONGEST_NAME / 2 and _length(rows[0][1]) >= _length(rows[0][0])


def _sort_of(value: str) -> str:
    """What a value is: a column holds one or two sorts, what was filled into a form many."""
    if _DAY.search(value):
        return "date"
    if looks_like_value(value) or _QUANTITY.fullmatch(value):
        return "amount"
    return "code" if _CODE.fullmatch(value) else "words"


def _is_label(cell: str) -> bool:
    """Whether a cell names the one beside it: it ends with a colon, or forms know it."""
    return cell[-1:] in (":", "：") or bool(_FIELD.fullmatch(cell))


def _length(text: str) -> float:
    """Characters as a reader counts them: three letters say about as much as one Chinese character."""
    return sum(1 if has_chinese(character) else 0.3 for character in text[: _LONGEST_NAME * 4])


def _is_definitions(rows: Grid) -> bool:
    """Whether one column holds the same joining word in all rows: 指, means, =."""
    for column in range(1, len(rows[0]) - 1):
        cells = {row[column] for row in rows}
        if len(cells) == 1 and _CONNECTIVE.fullmatch(next(iter(cells))):
            return True
    return False


def _is_form(rows: Grid) -> bool:
    """Whether each row holds a name, its value, a name, its value: as application forms do."""
    width = len(rows[0])
    if width < 2 * _PAIR or width % _PAIR or all(looks_like_value(row[1]) for row in rows if row[1]):
        return False
    labels = [row[column] for row in rows for column in range(0, width, _PAIR) if row[column]]
    if any(looks_like_value(label) or _length(label) > _LONGEST_NAME for label in labels):
        return False
    if len(set(labels)) < len(labels):
        return False
    known = sum(map(_is_label, labels))
    in_first = [rows[0][column] for column in range(1, width, _PAIR)]
    filled = any(not cell or looks_like_value(cell) or _CHECKBOX.search(cell) for cell in in_first)
    return known * 2 >= len(labels) or (filled and known * 4 >= len(labels))


def _form_blocks(rows: Grid, page: int | None) -> Iterator[Block]:
    wide = any(has_chinese(cell) for cell in rows[0])
    for row in rows:
        pairs = [(row[column], row[column + 1]) for column in range(0, len(row), _PAIR)]
        if len(set(filter(None, row))) == 1 or _is_note(row):
            yield Block(row[0] or "".join(_distinct(row)), page=page)
        else:
            named = (_named(name, cell, wide) if cell else name.rstrip(":： ") for name, cell in pairs)
            yield _row(filter(None, named), wide, page)


def _titled_blocks(
    rows: list[Sequence[str]], page: int | None, header: list[Sequence[str]]
) -> Iterator[Block]:
    """A table below the lines of text that stand above its header, which is left in `header`."""
    rows = list(rows)
    while rows and _is_line_above(rows):
        yield Block("  ".join(_distinct(map(on_one_line, rows.pop(0)))), page=page)
    if rows and all(len(_distinct(row)) == 1 for row in rows):
        yield from (Block("".join(_distinct(row)), page=page) for row in rows)
    else:
        header += rows[: guessed_header_rows(_clean(rows[:_ROWS_AT_ONCE]))]
        yield from table_blocks(rows, page=page)


def _is_line_above(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is a title or remark (编制单位：… 单位：…) and not yet the table's header."""
    filled = [cell for cell in rows[0] if cell.strip() and not isinstance(cell, Merged)]
    following = [cell for cell in rows[1] if cell.strip()] if len(rows) > 1 else []
    if len(set(filled)) == 1 and (len(rows) == 1 or len(set(following)) > 1):
        return len(rows) == 1 or not _lacks_first_name(rows)
    labelled = [cell for cell in filled if _LABELLED.fullmatch(cell.strip())]
    if len(rows) == 1 or not filled:
        return False
    if labelled and len(labelled) * 2 >= len(filled):
        others = (cell for cell in filled if cell not in labelled)
        return len(filled) < len(rows[0]) or len(rows[0]) > _PAIR and all(map(_DATE.search, others))
    # a date in the middle and a unit at the right, above names for all columns
    return len(filled) * 2 <= len(rows[0]) and len(following) > len(filled) and not any(
        looks_like_value(cell) for cell in following
    )  # fmt: skip


def _lacks_first_name(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a lone cell heads a table of two columns whose first has no name."""
    return len(rows[0]) == len(rows[1]) == _PAIR and not rows[0][0].strip() and bool(rows[1][1].strip())


def _is_header_again(row: Sequence[str], header: Sequence[str], below: Grid) -> bool:
    """Whether a row names the columns anew for the rows below it, as the second half of a statement does.

    It has no name of its own, or repeats the header's, and holds names where the next row holds values. Rows
    that repeat them one after the other are those of a form to be filled in: `Smoker | yes | no`.
    """
    if row[1:] == header[1:] and any(row[1:]):
        return bool(below) and below[0][1:] != header[1:]
    if row[0] not in ("", header[0]) or not below or any(isinstance(cell, Merged) for cell in row):
        return False
    pairs = [(name, value) for name, value in zip(row[1:], below[0][1:], strict=True) if name]
    return (
        len(pairs) * 2 > len(row) - 1
        and len({name for name, _ in pairs}) == len(pairs)
        and not any(looks_like_value(name) for name, _ in pairs)
        and sum(looks_like_value(value) for _, value in pairs) * 2 > len(pairs)
    )


def _shape(cell: str) -> str:
    return _NUMBER.sub("0", cell)


def _is_open(row: Sequence[str], following: Sequence[str]) -> bool:
    """Whether merged names of `row` are told apart by names in the row below."""
    repeats = any(left == right != "" for left, right in zip(row, row[1:], strict=False))
    return repeats and not any(looks_like_value(cell) for cell in following) and len(set(following)) > 1


def _clean(grid: Grid) -> list[list[str]]:
    """Cells on one line, all rows equally long, without empty rows and columns."""
    seen: dict[str, str] = {}  # cells that share a text share its cleaned form

    def cleaned(cell: str) -> str:
        text = seen.get(cell)
        if text is None:
            text = seen[cell] = on_one_line(cell)
        return merged(text) if isinstance(cell, Merged) else text

    rows = []
    for row in grid:
        spend()
        cells = [cleaned(cell) for cell in row]
        if any(cells):
            rows.append(cells)
    width = max((len(row) for row in rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    used = [column for column in range(width) if any(row[column] for row in rows)]
    return rows if len(used) == width else [[row[column] for column in used] for row in rows]


def _names(header: Grid, width: int) -> list[str]:
    columns = zip(*header, strict=True) if header else [()] * width
    return [" / ".join(limited(_distinct(cells))).rstrip(":：") for cells in columns]


def _distinct(cells: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(cell for cell in cells if cell))


def _named(name: str, cell: str, wide: bool) -> str:
    name = name.rstrip(":： ")
    return (
        f"{name}{'：' if wide else ': '}{cell}" if name and (name != cell or looks_like_value(cell)) else cell
    )


def _is_note(row: Sequence[str]) -> bool:
    """Whether a row is one text across the table: a group's name, or a remark below.

    Where merging is known, it decides; else a long text that all cells repeat, as no values do.
    """
    if len(row) < 2 or not row[0]:  # noqa: PLR2004 - a cell alone is no row across anything
        return False
    if not any(row[1:]) or all(isinstance(cell, Merged) for cell in row[1:]):
        return True
    return len(row[0]) > _SHORT and len(set(row)) == 1 and not looks_like_value(row[0])


def _row(cells: Iterable[str], wide: bool, page: int | None) -> Block:
    return Block(("；" if wide else "; ").join(limited(cells)), "row", page=page)


def _parts(grid: Iterable[Sequence[str]]) -> Iterator[tuple[list[Sequence[str]], bool]]:
    """Runs of rows that are not empty, long ones in pieces; whether a piece continues the one before."""
    part: list[Sequence[str]] = []
    continues = False
    for row in grid:
        if any(not cell.isspace() for cell in row if cell):
            part.append(row)
            if len(part) >= _ROWS_AT_ONCE:
                yield part, continues
                part, continues = [], True
        else:
            if part:
                yield part, continues
            part, continues = [], False
    if part:
        yield part, continues


def _beside(rows: list[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Tables side by side, each without the rows that only the other one has."""
    width = max(len(row) for row in rows)
    used = [any(column < len(row) and row[column].strip() for row in rows) for column in range(width)]
    begin = 0
    for column in range(1, width - 1):
        if not used[column] and used[column + 1]:
            left = _filled([row[begin:column] for row in rows])
            right = _filled([row[column + 1 :] for row in rows])
            if _reads_alone(left) and _reads_alone(right):
                yield left
                begin = column + 1
    yield _filled([row[begin:] for row in rows])


def _filled(rows: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    return [row for row in rows if any(cell.strip() for cell in row)]


def _reads_alone(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows have a header of their own and names in their first column."""
    rows = [row for row in _clean(rows) if len(_distinct(row)) > 1]
    if len(rows) < 2 or any(looks_like_value(cell) for cell in rows[0]):  # noqa: PLR2004 - header and body
        return False
    first = [row[0] for row in rows[1:] if row[0]]
    return len(rows[0]) >= _PAIR and bool(first) and not any(looks_like_value(cell) for cell in first)
