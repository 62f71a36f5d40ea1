"""RTF: headings, paragraphs, tables and footnotes, in every code page. (Rich Text Format 1.9.1.)"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected, spend
from knowledge_base.loaders.formula import joined_runs, superscript
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.rtf_tokens import Token, Tokens
from knowledge_base.loaders.tables import merged, table_blocks
from knowledge_base.loaders.titles import own_title
from knowledge_base.values import Block, LoadedFile

_HEADING = re.compile(r"(?:heading|标题|überschrift|titre) ?(\d)", re.IGNORECASE)
_BULLET = re.compile("^[\uf0a7\uf0b7\uf0d8\uf0fc·•o▪]\t")
_DEEPEST_HEADING, _DEEPEST_TABLE = 9, 8


def load_rtf(data: bytes) -> LoadedFile:
    """Read a document; LoadError if it is no RTF. Deletions and hidden text are left out."""
    if not data.lstrip().startswith(b"{\\rtf"):
        raise LoadError("The file is not RTF.", "Save it again as RTF in its own program.")
    reader = _Reader()
    loaded = collected("", reader.blocks(Tokens(data)))
    return LoadedFile(own_title(reader.title), loaded.blocks, loaded.notes)


@dataclass(slots=True)
class _Table:
    """A table while it is read; `merges` says which cells of the row go on from left or above."""

    rows: list[list[str]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)

    def end_cell(self) -> None:
        self.cells.append("\n".join(self.lines))
        self.lines = []

    def end_row(self) -> None:
        row: list[str] = []
        above = self.rows[-1] if self.rows else []
        for place, text in enumerate(self.cells):
            merge = self.merges[place] if place < len(self.merges) else ""
            if merge == "left" and row:
                row.append(merged(row[-1]))
            elif merge == "above" and place < len(above):
                row.append(merged(above[place]))
            else:
                row.append(text)
        if row:
            self.rows.append(row)
        self.cells, self.lines = [], []

    def blocks(self) -> Iterator[Block]:
        if self.lines:
            self.end_cell()
        self.end_row()
        if max((len(row) for row in self.rows), default=0) == 1:
            yield from (Block(row[0]) for row in self.rows if row[0])
        else:
            yield from table_blocks(self.rows)


class _Reader:
    def __init__(self) -> None:
        self.title = ""
        self._runs: list[tuple[str, str]] = []
        self._level = 0
        self._style = 0
        self._in_table = False
        self._depth = 1  # of the table that the paragraph is in
        self._merge = ""
        self._headings: dict[int, int] = {}  # levels of heading styles by number
        self._tables: list[_Table] = []
        self._outer: list[list[tuple[str, str]]] = []  # texts that a footnote or box interrupts
        self._notes: list[str] = []
        self._count = 0
        self._ready: list[Block] = []

    def blocks(self, tokens: Tokens) -> Iterator[Block]:
        """All blocks, as far as they are taken."""
        for token in tokens:
            self._take(token)
            if self._ready:
                yield from self._ready
                self._ready.clear()
        self._in_table = False
        self._end_paragraph()
        yield from self._ready

    def _take(self, token: Token) -> None:
        if token.kind == "text":
            self._runs.append((token.shape, token.text))
        elif token.kind == "word" and token.text in _ACTIONS:
            _ACTIONS[token.text](self, token.number)
        elif token.kind == "begin":
            self._outer.append(self._runs)
            self._runs = []
        elif token.kind == "end":
            self._end_note(token.text)
        elif token.kind == "title":
            self.title += token.text
        elif token.kind == "style" and token.number is not None:
            found = _HEADING.fullmatch(token.text)
            if found or token.text.lower() in ("title", "标题"):
                self._headings[token.number] = int(found.group(1)) if found else 1

    def _line(self) -> str:
        """The text since the last paragraph; halves of a character in UTF-16 come together here."""
        text = joined_runs(self._runs).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        self._runs = []
        text = _BULLET.sub("- ", text, count=1)
        return "\n".join(line for part in text.split("\n") if (line := on_one_line(part)))

    def _end_note(self, kind: str) -> None:
        text = self._line()
        self._runs = self._outer.pop() if self._outer else []
        if kind == "footnote" and text:
            self._count += 1
            mark = superscript(str(self._count))
            self._runs.append(("", mark))
            self._notes.append(f"{mark} {text}")
        elif text:
            self._notes.append(f"Comment: {text}" if kind == "annotation" else text)

    def _end_paragraph(self) -> None:
        if self._outer:  # within a footnote or box
            self._runs.append(("", "\n"))
            return
        text = self._line()
        if self._in_table:
            self._table().lines += [text] if text else []
            return
        self._end_table()
        if text:
            level = self._level or self._headings.get(self._style, 0)
            self._ready.append(Block(on_one_line(text), "heading", level) if level else Block(text))
        self._give_notes()

    def _give_notes(self) -> None:
        self._ready += [Block(note) for note in self._notes]
        self._notes = []

    def _table(self) -> _Table:
        depth = min(self._depth, _DEEPEST_TABLE)
        while len(self._tables) < depth:
            self._tables.append(_Table())
        return self._tables[depth - 1]

    def _end_cell(self, depth: int) -> None:
        self._in_table, self._depth = True, depth
        self._end_paragraph()
        self._table().end_cell()

    def _end_row(self, depth: int) -> None:
        spend()
        self._depth = depth
        self._table().end_row()

    def _end_table(self) -> None:
        for table in self._tables:
            self._ready += table.blocks()
        if self._tables:
            self._tables = []
            self._give_notes()

    def _reset(self) -> None:
        self._level = self._style = 0
        self._in_table, self._depth = False, 1

    def _begin_row(self) -> None:
        self._table().merges = []
        self._merge = ""

    def _end_definition(self) -> None:
        """A cell of the row's definition ends with its right edge."""
        self._table().merges.append(self._merge)
        self._merge = ""

    def _set_level(self, number: int | None) -> None:
        self._level = number + 1 if number is not None and number < _DEEPEST_HEADING else 0

    def _set_style(self, number: int | None) -> None:
        self._style = number or 0

    def _set_depth(self, number: int | None) -> None:
        self._depth = max(number or 1, 1)
        self._in_table = self._in_table or bool(number)

    def _set_in_table(self) -> None:
        self._in_table = True

    def _set_merge(self, merge: str) -> None:
        self._merge = merge


_ACTIONS: dict[str, Callable[[_Reader, int | None], None]] = {
    "par": lambda reader, _: reader._end_paragraph(),
    "sect": lambda reader, _: reader._end_paragraph(),
    "page": lambda reader, _: reader._end_paragraph(),
    "pard": lambda reader, _: reader._reset(),
    "s": lambda reader, number: reader._set_style(number),
    "outlinelevel": lambda reader, number: reader._set_level(number),
    "intbl": lambda reader, _: reader._set_in_table(),
    "itap": lambda reader, number: reader._set_depth(number),
    "cell": lambda reader, _: reader._end_cell(1),
    "nestcell": lambda reader, _: reader._end_cell(max(reader._depth, 2)),
    "row": lambda reader, _: reader._end_row(1),
    "nestrow": lambda reader, _: reader._end_row(max(reader._depth, 2)),
    "trowd": lambda reader, _: reader._begin_row(),
    "cellx": lambda reader, _: reader._end_definition(),
    "clmrg": lambda reader, _: reader._set_merge("left"),
    "clvmrg": lambda reader, _: reader._set_merge("above"),
}
