"""Which edition of a document is in force, and which ones a question of a year may be answered from."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from answering.evidence import Section, Unit, columns_of
from answering.quantities import years_in
from answering.question import Asked
from answering.wording import folded

_SUPERSEDED = re.compile(
    r"\bsuperseded\b|\bno longer (?:valid|in force|applies|apply)\b|\bhas expired\b|\bexpired\b"
    r".{0,40}\brecord\b"
    r"|\breplaced by\b|\bceased to apply\b|\brepealed\b|\bobsolete\b|\bwithdrawn\b.{0,20}\bversion\b"
    r"|\bfor reference only\b|\boutdated\b"
    r"|\b(?:old|previous|former) (?:version|edition|list)\b|\bkept for (?:the record|reference)\b"
    r"|已废止|现已废止|已失效|失效，由|已过期|旧版|已作废|不再有效|仅供(?:存档)?查[阅询]|停止执行|(?<!同时)废止，",
    re.IGNORECASE,
)
# How much of a document's beginning says whether it is in force.
_BEGINNING = 300


@dataclass(frozen=True)
class Editions:
    """The editions of some documents: the years that each is of, and those that are no longer in force."""

    years: dict[str, frozenset[str]]
    superseded: frozenset[str]
    current_year: str

    def allows(self, asked: Asked, unit: Unit) -> bool:
        """Whether the unit may answer: of a year that is asked for, or else in force."""
        own = self.years[unit.document] | years_in(" ".join(unit.path))
        if not asked.years:
            return asked.asks_old or unit.document not in self.superseded
        named = own | years_in(unit.text)
        if asked.years & own or (asked.years & named and (not own or own & asked.years)):
            return True
        if asked.years & years_in(" ".join(columns_of(unit))):
            return True
        return not own and asked.years == {self.current_year} and not _of_other_years(unit)

    def year_of(self, unit: Unit) -> str:
        """The one year that a unit's document is of, "" if there is none or several."""
        own = self.years[unit.document]
        return next(iter(own)) if len(own) == 1 else ""


def editions_of(sections: Iterable[Section], current_year: int) -> Editions:
    """The editions among the documents of `sections`.

    A document is of the years in its path, title and headings. It is superseded if it says so at its
    beginning, or if another one differs from it in the year alone and is later, but not of the future.
    """
    documents: dict[str, list[Section]] = {}
    for section in sections:
        documents.setdefault(section.document, []).append(section)
    years = {path: _years_of(path, parts) for path, parts in documents.items()}
    superseded = {path for path, parts in documents.items() if _says_superseded(path, parts)}
    by_skeleton: dict[str, list[str]] = {}
    for path, parts in documents.items():
        for skeleton in {_skeleton(path), _skeleton(parts[0].units[0].passage.title)}:
            by_skeleton.setdefault(skeleton, []).append(path)
    for paths in by_skeleton.values():
        latest = max(
            (max(years[p]) for p in paths if years[p] and max(years[p]) <= str(current_year)), default=""
        )
        superseded |= {p for p in paths if years[p] and max(years[p]) < latest and len(paths) > 1}
    return Editions(years, frozenset(superseded), str(current_year))


def _of_other_years(unit: Unit) -> bool:
    """Whether each column of a row but the first is a year: then a year that is none of them is not there."""
    columns = columns_of(unit)[1:]
    return bool(columns) and all(years_in(name) for name in columns)


def _years_of(path: str, sections: Sequence[Section]) -> frozenset[str]:
    passage = sections[0].units[0].passage
    named = years_in(f"{path.replace('_', ' ')} {passage.title}")
    return named or years_in(" ".join(passage.heading[:1]))


def _says_superseded(path: str, sections: Sequence[Section]) -> bool:
    passage = sections[0].units[0].passage
    beginning = " ".join(unit.text for section in sections[:1] for unit in section.units)[:_BEGINNING]
    return bool(_SUPERSEDED.search(folded(" ".join((path, passage.title, *passage.heading[:1], beginning)))))


def _skeleton(name: str) -> str:
    """A title or path without its years and what is in brackets."""
    bare = re.sub(
        r"[(（\[【].*?[)）\]】]", "", folded(name).rsplit(".", 1)[0] if "/" in name else folded(name)
    )
    return re.sub(r"(?:19|20)\d\d年?|\s+", "", bare)
