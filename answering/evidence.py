"""Documents as evidence: sections of sentences, list items and table rows, each with its place."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from answering.wording import folded, held_terms
from knowledge_base.characters import HAN
from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Document, Passage

UnitKind = Literal["heading", "sentence", "item", "row", "definition"]

_ITEM = re.compile(
    r"^(?:[-*•·▪◦–—]\s+|[（(]?\d{1,2}[.)、）]\s*(?!\d)|[①-⑳]\s*|[（(][一二三四五六七八九十]+[)）]\s*|[a-h][.)]\s+"
    r"|第[一二三四五六七八九十]+[步项点]?[，,、：:]\s*)"
)
# Where an enumeration within a paragraph goes on: "…：（一）…；（二）…", "第一步，…；第二步，…".
_ENUMERATED = re.compile(
    r"(?<=[：:；;。])\s*(?=[（(](?:[一二三四五六七八九十]+|\d{1,2})[)）]|[①-⑳]|第[一二三四五六七八九十]+[步项点]?[，,、：:])"
)
_STEP = re.compile(
    r"^(?:step\s+)?\d{1,2}[.)、:：]\s*(?!\d)|^第[一二三四五六七八九十\d]+步|^[①-⑳]", re.IGNORECASE
)
_ENDS = tuple(".。!！?？;；:：,，")
_CELL = re.compile(r"(?:^|[;；]\s*)([^;；:：]{1,60}?)(?:[:：](?!//))(?:(?<=\D[:：])|(?!\d))\s*")
_DEFINITION = re.compile(
    r"^([^:：。.;；,，\d][^:：。.;；,，]{0,32}?)\s*(?:[:：](?!\d|//)|\s[–—]\s)\s*(\S.{8,})$"
)
_MOST_DEFINITION_SENTENCES = 3
_LONGEST_HEADING = 70
_FEWEST_CELLS = 2
_LONGEST_NAME = 8  # words of a column's name
_SALUTATION = re.compile(
    r"(?:dear|hello|hi)\b[^.!?]{0,40}[,:]|(?:各位|尊敬的|亲爱的)[^。！？；]{0,16}[:：，,]", re.IGNORECASE
)
_ENVELOPE = {"From", "To", "Cc", "Date", "Subject", "Attachments"}  # see knowledge_base.loaders.mail


@dataclass(frozen=True)
class Unit:
    """A heading, sentence, list item, table row or definition; `text` is the document's text start…end.

    `cells` are the columns of a row with their values, `path` the headings above the unit, highest first,
    `lead` the sentence that introduces the list of which an item is part.
    """

    kind: UnitKind
    text: str
    start: int
    end: int
    passage: Passage
    path: tuple[str, ...]
    cells: tuple[tuple[str, str], ...] = ()
    lead: "Unit | None" = None

    @cached_property
    def terms(self) -> frozenset[str]:
        """What the unit itself says."""
        return held_terms(self.text)

    @cached_property
    def scope_terms(self) -> frozenset[str]:
        """What the title, the headings above it and the lead of its list say."""
        return held_terms(self.scope)

    @property
    def headings(self) -> str:
        """Title and headings, as one text."""
        return " › ".join(dict.fromkeys((self.passage.title, *self.path)))

    @property
    def scope(self) -> str:
        """Title, headings and lead, as one text."""
        lead = (self.lead.text,) if self.lead else ()
        return " › ".join(dict.fromkeys((self.passage.title, *self.path, *lead)))

    @property
    def statement(self) -> str:
        """What it says with the lead of its list: "Not insured are:" and "tyres"."""
        return f"{self.lead.text} {without_marker(self.text)}" if self.lead else self.text

    @property
    def document(self) -> str:
        """The path of its document."""
        return self.passage.document

    @property
    def is_envelope(self) -> bool:
        """Whether it is the head of a mail: who wrote to whom, when and about what."""
        return bool(self.cells) and {"From", *columns_of(self)} <= _ENVELOPE


@dataclass(frozen=True)
class Section:
    """A heading with what is under it, up to the next heading of any level."""

    path: tuple[str, ...]
    units: tuple[Unit, ...]
    number: int

    @property
    def heading(self) -> str:
        """Its own heading, the document's title where it has none."""
        return self.path[-1] if self.path else self.units[0].passage.title

    @property
    def body(self) -> tuple[Unit, ...]:
        """Its units without headings."""
        return tuple(unit for unit in self.units if unit.kind != "heading")

    @property
    def document(self) -> str:
        """The path of its document."""
        return self.units[0].document

    @property
    def is_step(self) -> bool:
        """Whether its heading is one of numbered steps."""
        return bool(_STEP.match(self.heading))

    def list_of(self, unit: Unit) -> list[Unit]:
        """The list that a unit introduces or is part of, with its lead; empty for a unit beside lists."""
        lead = unit.lead or unit
        items = [one for one in self.body if one.lead is not None and one.lead == lead]
        if items:
            return [lead, *items]
        steps = [one for one in self.body if one.kind == "item" and _STEP.match(one.text)]
        return steps if unit in steps else []

    @cached_property
    def tables(self) -> tuple[tuple[Unit, ...], ...]:
        """Runs of rows with the same columns."""
        found: list[list[Unit]] = []
        for unit in self.body:
            if unit.kind != "row":
                continue
            if found and columns_of(found[-1][0]) == columns_of(unit):
                found[-1].append(unit)
            else:
                found.append([unit])
        return tuple(tuple(rows) for rows in found)


@dataclass(frozen=True)
class Evidence:
    """The sections of the documents that a search hit, and which passages it hit, best first."""

    sections: tuple[Section, ...]
    hits: tuple[str, ...] = field(default=())

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units but headings."""
        return tuple(unit for section in self.sections for unit in section.body)

    def section_of(self, unit: Unit) -> Section:
        """The section that holds a unit."""
        return next(section for section in self.sections if unit in section.units)

    def document(self, path: str) -> tuple[Section, ...]:
        """The sections of one document, in order."""
        return tuple(section for section in self.sections if section.document == path)


def gather(passages: Sequence[Passage], document: Callable[[str], Document]) -> Evidence:
    """The documents of `passages` as sections, in the order of the first hit of each."""
    paths = dict.fromkeys(passage.document for passage in passages)
    sections = [section for path in paths for section in sections_of(document(path))]
    return Evidence(tuple(sections), tuple(passage.id for passage in passages))


def sections_of(document: Document) -> list[Section]:
    """A document's sections in order; passages that share a heading are one section."""
    known = {part for passage in document.passages for part in passage.heading}
    sections: list[Section] = []
    units: list[Unit] = []
    for unit in _units(document.passages, known):
        begins = units and unit.path != units[-1].path
        if begins and any(one.kind != "heading" for one in units):
            sections.append(Section(units[-1].path, tuple(units), len(sections)))
            units = []
        units.append(unit)
    if units:
        sections.append(Section(units[-1].path, tuple(units), len(sections)))
    return [section for section in sections if section.body]


def _units(passages: Sequence[Passage], known: set[str]) -> Iterator[Unit]:
    sub = ""
    above: tuple[str, ...] = ()
    last: Unit | None = None
    for passage in passages:
        if passage.heading != above:
            sub, above = "", passage.heading
        lines = list(_lines(passage.text))
        for number, (start, line) in enumerate(lines):
            later = lines[number + 1][1] if number + 1 < len(lines) else ""
            is_heading = line in known or line == passage.title or _looks_like_heading(line, later)
            if is_heading and line not in passage.heading and line != passage.title:
                sub = line
            path = (*passage.heading, sub) if sub else passage.heading
            if is_heading:
                yield Unit(
                    "heading", line, passage.start + start, passage.start + start + len(line), passage, path
                )
            else:
                for unit in _units_in(line, start, passage, path):
                    last = replace(unit, lead=_lead(last)) if unit.kind == "item" else unit
                    yield last


def _lead(before: Unit | None) -> Unit | None:
    """The lead of a list's item that stands behind `before`: the sentence with a colon before its list."""
    if before is None or before.kind == "item":
        return before and before.lead
    return before if before.text.endswith((":", "：")) else None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    place = 0
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped:
            yield place + line.index(stripped), stripped
        place += len(line) + 1


def _looks_like_heading(line: str, later: str) -> bool:
    if not later or _width(line) > _LONGEST_HEADING or line.endswith(_ENDS) or _ITEM.match(line):
        return False
    if cells_of(line) or cells_of(later) or re.search(r"[.;:]\s|[。；：]", line):
        return False
    return later.endswith((".", "。", "；", ";", ":", "：")) and not line[:1].islower()


def _width(line: str) -> int:
    """How wide a line is, in columns of a terminal: a Chinese character takes two."""
    return len(line) + len(re.findall(f"[{HAN}]", line))


def _units_in(line: str, start: int, passage: Passage, path: tuple[str, ...]) -> Iterator[Unit]:
    """The units of a line, an enumeration in it as items."""
    marks = list(_ENUMERATED.finditer(line))
    begins = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(line)]
    for first, end in zip(begins, ends, strict=True):
        yield from _units_of(line[first:end], start + first, passage, path)


def _units_of(line: str, start: int, passage: Passage, path: tuple[str, ...]) -> Iterator[Unit]:
    offset = passage.start + start
    cells = cells_of(line)
    if _SALUTATION.fullmatch(line):
        return
    if cells:
        yield Unit("row", line, offset, offset + len(line), passage, path, cells)
    elif _ITEM.match(line):
        yield Unit("item", line, offset, offset + len(line), passage, path)
    elif _DEFINITION.match(line) and len(sentence_spans(line)) <= _MOST_DEFINITION_SENTENCES:
        yield Unit("definition", line, offset, offset + len(line), passage, path)
    else:
        for first, end in sentence_spans(line):
            yield Unit("sentence", line[first:end], offset + first, offset + end, passage, path)


def cells_of(line: str) -> tuple[tuple[str, str], ...]:
    """Columns and values of a table row written as "name: value; name: value"; empty for other text."""
    marks = list(_CELL.finditer(line))
    if len(marks) < _FEWEST_CELLS or marks[0].start() != 0 or re.search(r"[.。!！?？]$", marks[0][1]):
        return ()
    ends = [mark.start() for mark in marks[1:]] + [len(line)]
    cells = tuple(
        (mark[1].strip(), line[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)
    )
    if any(len(re.split(r"\s+", name)) > _LONGEST_NAME for name, _ in cells) or any(
        ":" in n for n, _ in cells
    ):
        return ()
    return cells


def columns_of(row: Unit) -> tuple[str, ...]:
    """The names of a row's columns."""
    return tuple(name for name, _ in row.cells)


def definition_of(unit: Unit) -> tuple[str, str] | None:
    """The word that a definition explains, and the explanation."""
    found = _DEFINITION.match(unit.text) if unit.kind == "definition" else None
    return (found[1], found[2]) if found else None


def without_marker(text: str) -> str:
    """A list item or numbered heading without its bullet or number."""
    return _ITEM.sub("", text).strip()


def is_chinese(text: str) -> bool:
    """Whether a text is mostly Chinese, by its characters."""
    return len(re.findall(f"[{HAN}]", text)) * 2 > len(re.sub(r"\W", "", folded(text)))
