"""An answer before it is checked: lines of text, each with the units of evidence that carry it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answering.evidence import Section, Unit, columns_of, is_chinese, without_marker
from answering.values import Citation, Outcome, Sentence

_PARAGRAPH = "\n\n"
_SHORT_NAME = 12  # of a Chinese column, so that 为 can follow it


@dataclass(frozen=True)
class Line:
    """Some text with the units that carry it; `before` separates it from the line before."""

    text: str
    units: tuple[Unit, ...] = ()
    before: str = " "


@dataclass(frozen=True)
class Draft:
    """The lines of an answer and what they amount to."""

    lines: tuple[Line, ...]
    outcome: Outcome = "answered"

    @property
    def text(self) -> str:
        """The answer as it is shown: Markdown, with lists as lists and comparisons as tables."""
        return "".join(
            f"{line.before if number else line.before.lstrip()}{line.text}"
            for number, line in enumerate(self.lines)
        )

    @property
    def units(self) -> tuple[Unit, ...]:
        """What it stands on, in order of use."""
        return tuple(dict.fromkeys(unit for line in self.lines for unit in line.units))


def cited(draft: Draft) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    """The lines as sentences with the numbers of their citations, and the citations in order of use."""
    numbers = {unit: number for number, unit in enumerate(draft.units, 1)}
    sentences = tuple(
        Sentence(line.text, tuple(numbers[unit] for unit in line.units)) for line in draft.lines
    )
    return sentences, tuple(_citation(unit, number) for unit, number in numbers.items())


def _citation(unit: Unit, number: int) -> Citation:
    return Citation(
        number=number,
        passage_id=unit.passage.id,
        document=unit.document,
        title=unit.passage.title,
        page=unit.passage.page,
        start=unit.start,
        end=unit.end,
        quote=unit.text,
        support=1.0,
    )


def unit_lines(units: Sequence[Unit], first: str = _PARAGRAPH) -> list[Line]:
    """Units as they stand in their document: sentences run on, list items and rows get lines of their own."""
    lines: list[Line] = []
    previous: Unit | None = None
    rows: list[Unit] = []
    for unit in (*units, None):
        if rows and (unit is None or unit.kind != "row" or columns_of(unit) != columns_of(rows[0])):
            lines += table_lines(
                list(columns_of(rows[0])), [(row, [v for _, v in row.cells]) for row in rows]
            )
            rows = []
        if unit is None:
            break
        if unit.kind == "row":
            rows.append(unit)
        elif unit.kind == "item":
            lines.append(Line(without_marker(unit.text), (unit,), _item_mark(unit, lines)))
        else:
            follows = previous is not None and previous.kind == "sentence" and previous.path == unit.path
            glue = "" if is_chinese(unit.text) else " "
            lines.append(Line(unit.text, (unit,), glue if follows else _PARAGRAPH if lines else first))
        previous = unit
    return lines


def _item_mark(unit: Unit, lines: Sequence[Line]) -> str:
    number = re.match(r"^[（(]?(\d{1,2})[.)、）]", unit.text)
    begins = "\n" if lines and re.match(r"\n+(?:- |\d+\. )", lines[-1].before) else _PARAGRAPH
    return f"{begins}{number[1]}. " if number else f"{begins}- "


def table_lines(heads: Sequence[str], rows: Iterable[tuple[Unit, Sequence[str]]]) -> list[Line]:
    """A Markdown table: its head, and one line for each row, which is cited."""
    clean = [_cell(head) for head in heads]
    head = f"| {' | '.join(clean)} |\n|{' --- |' * len(clean)}"
    lines = [Line(f"| {' | '.join(map(_cell, cells))} |", (row,), "\n") for row, cells in rows]
    return [Line(head, lines[0].units, _PARAGRAPH), *lines] if lines else []


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def row_sentence(row: Unit, columns: Sequence[str] | None = None) -> str:
    """A row in words: its key, and what its other columns say of it."""
    key = row.cells[0][1]
    chosen = [(n, v) for n, v in row.cells[1:] if columns is None or n in columns]
    if is_chinese(row.text):
        if len(chosen) == 1 and len(chosen[0][0]) < _SHORT_NAME:
            return f"{key}的{chosen[0][0]}为{chosen[0][1]}。"
        return (
            f"{key}：{'；'.join(f'{n}为{v}' if len(n) < _SHORT_NAME else f'{n}：{v}' for n, v in chosen)}。"
        )
    return f"{key}: {'; '.join(f'{_lower(n)} {v}' for n, v in chosen)}."


def attribute_sentence(row: Unit, value: str) -> str:
    """A value in words, of a row whose key ends with what costs it: "Gold card, annual fee"."""
    thing, _, attribute = row.cells[0][1].partition(", ")
    return f"The {_lower(attribute)} of the {_lower(thing)} is {value}."


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def section_lines(section: Section, most: int, heading: bool = False) -> list[Line]:
    """A section as it stands, up to `most` units; its heading first if that is wanted."""
    lines = unit_lines(section.body[:most])
    if heading and lines:
        mark = f"{_PARAGRAPH}**{without_marker(section.heading)}**"
        lines = [Line(mark.strip(), lines[0].units, _PARAGRAPH), *lines]
    return lines
