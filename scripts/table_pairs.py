"""Makes tables with near names and questions about their cells, to train a reader to take the right row.

usage: python scripts/table_pairs.py --target FOLDER [--share 0.4] [--seed 0] [--year 2026]

Each subject of scripts/table_subjects becomes a Markdown document, or two of neighbouring years that differ
in their figures. Its table is cut into two sections, and below the second stand notes that name rows of the
first with figures of their own: what a search finds for a question holds the right row, its neighbours and
such a note. A share of the cells is asked for, in a few words and in a sentence, now and then by another name
of the row, and rows that are not there, which must be refused. All figures are drawn by the seed.

    cp -r FOLDER/documents/* public/documents/
    domainqa retrain … --pairs FOLDER/pairs.jsonl
"""

import argparse
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from finetune.pairs.formats import write_pairs
from finetune.pairs.values import Evidence, Pair
from retrieval.prompt import LANGUAGES, Language

_SUBJECTS = Path(__file__).parent / "table_subjects"
_NOTES = 3
_LOWER = 0.4
_CALLED = 0.6
_OWN = 0.5
_HEADINGS = {"en": ("Overview", "Further entries"), "zh": ("一览", "其他项目")}
_IN_FORCE = {
    "en": "This list is in force from 1 January {year} to 31 December {year}.",
    "zh": "本表自{year}年1月1日起至{year}年12月31日止执行。",
}
# Beside the sentence of the subject, so that not every reply begins with the row.
_SAYS = {
    "en": ("It is {value}.", "{row}, {column}: {value}."),
    "zh": ("是{value}。", "{row}，{column}：{value}。"),
}
_WHEN = {"en": ("in {year}", "this year", "last year"), "zh": ("{year}年", "今年", "去年")}


@dataclass(frozen=True, slots=True)
class Table:
    """A subject with its figures of a year: `cells[row][column]`, each text once in the whole table."""

    subject: Mapping[str, Any]
    language: Language
    year: int | None
    current: bool
    cells: Sequence[Sequence[str]]
    flat: bool

    @property
    def document(self) -> str:
        """The path it is ingested under."""
        return f"tables-{self.language}/{self.subject['path']}{f'-{self.year}' if self.year else ''}.md"


def main() -> None:
    """Draw, write, say how many."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, required=True, help="folder to write to")
    parser.add_argument("--share", type=float, default=0.4, help="of the cells that are asked for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--year", type=int, default=date.today().year, help="what “this year” means")
    arguments = parser.parse_args()
    chance, this_year = random.Random(arguments.seed), arguments.year
    pairs: list[Pair] = []
    for language in LANGUAGES:
        subjects = json.loads((_SUBJECTS / f"{language}.json").read_text(encoding="utf-8"))
        for table in (made for subject in subjects for made in _tables(subject, language, this_year, chance)):
            file = arguments.target / "documents" / table.document
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_text(table, chance), encoding="utf-8")
            pairs += _asked(table, arguments.share, chance)
    write_pairs(pairs, arguments.target / "pairs.jsonl")
    print(f"{len(pairs)} pairs in {arguments.target / 'pairs.jsonl'}")


def _tables(
    subject: Mapping[str, Any], language: Language, this_year: int, chance: random.Random
) -> Iterator[Table]:
    for year in (this_year - 1, this_year) if subject["years"] else (None,):
        used: set[str] = set()
        columns = [_column(column, len(subject["rows"]), used, chance) for column in subject["columns"]]
        cells, flat = list(zip(*columns, strict=True)), chance.random() < 1 / 3
        yield Table(subject, language, year, year == this_year, cells, flat)


def _column(column: Mapping[str, Any], count: int, used: set[str], chance: random.Random) -> list[str]:
    """As many different texts as there are rows; `used` grows by them."""
    if "choices" in column:
        texts = list(column["choices"])
    else:
        first, last, step = column["range"]
        texts = [column["form"].format(n=number) for number in range(first, last + 1, step)]
    drawn = chance.sample([text for text in texts if text not in used], count)
    used.update(drawn)
    return drawn


def _text(table: Table, chance: random.Random) -> str:
    rows = table.subject["rows"]
    half = (len(rows) + 1) // 2
    year = f" {table.year}" if table.year else ""
    parts = [f"# {table.subject['title']}{year}"]
    if table.year:
        parts.append(_IN_FORCE[table.language].format(year=table.year))
    for heading, places in zip(_HEADINGS[table.language], (range(half), range(half, len(rows))), strict=True):
        parts += [f"## {heading}", _markdown(table, places)]
    first, last, step = table.subject["note_range"]
    numbers = range(first, last + 1, step)
    for row in chance.sample(rows[:half], _NOTES):
        parts.append(table.subject["note"].format(row=row, n=chance.choice(numbers)))
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table, places: Sequence[int]) -> str:
    """The rows at `places`: a line for each, or where the table lies flat a column for each."""
    names = [column["name"] for column in table.subject["columns"]]
    head = table.subject["row"] + (f" {table.year}" if table.year else "")
    lines = [[head, *names]] + [[table.subject["rows"][place], *table.cells[place]] for place in places]
    if table.flat:
        lines = [list(line) for line in zip(*lines, strict=True)]
    rule = ["---"] * len(lines[0])
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def _asked(table: Table, share: float, chance: random.Random) -> Iterator[Pair]:
    columns = table.subject["columns"]
    for number, row in enumerate(table.subject["rows"]):
        for place, column in enumerate(columns):
            if chance.random() < share:
                value = table.cells[number][place]
                yield _pair(table, f"{number}-{place}", row, column, value, chance)
    for number, row in enumerate(table.subject["absent"]):
        yield _pair(table, f"absent-{number}", row, chance.choice(columns), "", chance)


def _pair(
    table: Table, place: str, row: str, column: Mapping[str, Any], value: str, chance: random.Random
) -> Pair:
    """A question for one cell; without a value, one that must be refused."""
    origin = table.document.removesuffix(".md")
    return Pair(
        id=f"{origin}-{place}",
        question=_dated(chance.choice(column["asks"]).format(row=_spoken(table, row, chance)), table, chance),
        answers=(value,) if value else (),
        sentence=_said(table, row, column, value, chance) if value else "",
        evidence=(Evidence(table.document, value),) if value else (),
        split="train",
        origin=origin,
    )


def _spoken(table: Table, row: str, chance: random.Random) -> str:
    """The row as a question names it: by its other name, in small letters, or as it stands."""
    called = table.subject.get("called", {})
    if row in called and chance.random() < _CALLED:
        return str(called[row])
    return row[0].lower() + row[1:] if chance.random() < _LOWER else row


def _said(table: Table, row: str, column: Mapping[str, Any], value: str, chance: random.Random) -> str:
    """The reply in a sentence: the subject's own form, or every other time one that suits any table."""
    own = chance.random() < _OWN
    form = column["says"] if own else chance.choice(_SAYS[table.language])
    return str(form.format(row=row, column=column["name"].lower(), value=value))


def _dated(question: str, table: Table, chance: random.Random) -> str:
    """The question with the year of the table, as people say it."""
    if table.year is None:
        return question
    by_number, current, former = _WHEN[table.language]
    spoken = current if table.current else former
    when = chance.choice((by_number.format(year=table.year), spoken))
    return f"{when}{question}" if table.language == "zh" else f"{question.removesuffix('?')} {when}?"


if __name__ == "__main__":
    main()
