"""Questions that small talk offers: made of the tables and headings of a collection, and answered by it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from answering.draft import Draft
from answering.editions import editions_of
from answering.evidence import Section, sections_of
from answering.quantities import years_in
from answering.question import Asked
from answering.smalltalk import is_readable
from answering.tables import dimension_of, key_of
from answering.wording import terms_in
from knowledge_base.values import Document
from retrieval.prompt import Language, language_of

# The answer to a question, None where nothing is found.
Answer = Callable[[str], Draft | None]

_OFFERED = 3
_MOST_TRIED = 9
_MEASURED = ("money", "percent", "time", "area")
_PRICED = re.compile(r"\b(?:fee|price|cost|charge|rate|rent|premium)s?\b|费|价|率|租金")
_MOST_WORDS = 5  # of the name of a row or column
_SEVERAL = 2
_MOST_HAN = 8  # characters of a Chinese one
_FEWEST_WORDS = 4  # of a heading that is a question
_FEWEST_HAN = 6
_RELATIVE = re.compile(r"\b(?:this|last|next|current) year\b|^(?:今年|去年|本年)")
_NO_NAME = re.compile(
    r"\b(?:for|of|to|in|on|at|by|with|from|the|is|are|each|more|less|than)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"^(?:how|what|which|when|where|who|can|may|do|is|are)\b(?!.*\byou(?:rs?)?\b).*\?$"
    r"|^(?!.*[您你]).*(?:多少|怎么|怎样|如何|什么|哪|几|吗|多久).*[？?]$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Offer:
    """A question, the document that it was made of, and what of it the answer must hold."""

    question: str
    document: str
    value: str = ""


def offered(documents: Iterable[Document], language: Language, answer: Answer, year: int) -> list[str]:
    """Up to three questions that `answer` answers from the documents that they were made of.

    They are of different documents, if enough of them have tables or headings to ask about; money and rates
    come first, and what many documents speak of. No document is asked about that is no longer in force.
    """
    sections = [section for document in documents for section in sections_of(document)]
    superseded = editions_of(sections, year).superseded
    fitting = [s for s in sections if s.document not in superseded and _is_of(s, language)]
    known = Counter(term for terms in _terms_of_documents(fitting).values() for term in terms)
    offers = sorted(_offers(fitting, language), key=lambda offer: _interest(offer, known), reverse=True)
    tried: list[_Offer] = []
    chosen: list[str] = []
    for apart in (True, False):
        for offer in offers:
            if len(chosen) == _OFFERED or len(tried) == _MOST_TRIED:
                return chosen
            if any(_alike(offer, other) or (apart and offer.document == other.document) for other in tried):
                continue
            tried.append(offer)
            found = answer(offer.question)
            if found and found.outcome == "answered" and _is_from(found, offer):
                chosen.append(offer.question)
    return chosen


def _is_of(section: Section, language: Language) -> bool:
    return language_of(section.units[0].passage.title) == language == language_of(section.units[0].text)


def _terms_of_documents(sections: Sequence[Section]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for section in sections:
        for unit in section.units:
            found.setdefault(section.document, set()).update(unit.terms)
    return found


def _interest(offer: _Offer, known: Counter[str]) -> tuple[int, float]:
    """Prices and rates before other questions before summaries; in how many documents a word of it stands."""
    asked = Asked(offer.question)
    rank = 0 if asked.kind == "summary" else 2 if offer.value and _PRICED.search(asked.text) else 1
    return rank, sum(known[term] for term in asked.terms) / (len(asked.terms) or 1)


def _alike(one: _Offer, other: _Offer) -> bool:
    """Whether two questions are of the same thing."""
    first, second = terms_in(one.question), terms_in(other.question)
    return len(first & second) * 2 > min(len(first), len(second))


def _is_from(draft: Draft, offer: _Offer) -> bool:
    return offer.value in draft.text and any(unit.document == offer.document for unit in draft.units)


def _offers(sections: Sequence[Section], language: Language) -> Iterator[_Offer]:
    """The headings that are questions, what cells of a measure answer, and the summary of each document."""
    asks = _of_cell_han if language == "zh" else _of_cell
    for section in sections:
        heading, title = section.heading, section.units[0].passage.title
        length = len(heading) if language == "zh" else len(heading.split())
        least = _FEWEST_HAN if language == "zh" else _FEWEST_WORDS
        if _ASKS.match(heading) and length >= least and not years_in(heading):
            yield _Offer(heading, section.document)
        for row in (row for rows in section.tables for row in rows):
            for name, value in row.cells[1:]:
                question = asks(key_of(row), name) if dimension_of(name, value) in _MEASURED else ""
                if question and not years_in(question):
                    yield _Offer(question, section.document, value)
        if is_readable(title) and not years_in(title):
            form = "概括一下《{}》。" if language == "zh" else "Can you summarise “{}”?"
            yield _Offer(form.format(title), section.document)


def _of_cell(key: str, name: str) -> str:
    """ "What is the annual fee of the gold card?"; "" where key or column do not read well so."""
    thing, _, attribute = key.partition(", ")
    column = re.sub(r"\s*[(（].*?[)）]", "", attribute or name)
    if (attribute and attribute[:1].isupper()) or (not attribute and _RELATIVE.search(name.lower())):
        return ""
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z' -]+", part) for part in (thing, column)):
        return ""
    words = thing.split()
    if _NO_NAME.search(thing) or _NO_NAME.search(f"{column.split()[0]} {column.split()[-1]}"):
        return ""
    if not _SEVERAL <= len(words) <= _MOST_WORDS or not _SEVERAL <= len(column.split()) <= _MOST_WORDS:
        return ""
    if words[-1].islower():
        thing = f"the {thing[:1].lower() if thing[1:2].islower() else thing[:1]}{thing[1:]}"
    return f"What is the {column[:1].lower()}{column[1:]} of {thing}?"


def _of_cell_han(key: str, name: str) -> str:
    """金卡年费是多少？, 报告厅的每小时价格是多少？; "" where key or column do not read well so."""
    column = re.sub(r"[(（].*?[)）]", "", name)
    if max(len(key), len(column)) > _MOST_HAN or not re.fullmatch(r"[\u3400-\u9fff]{3,}(?<![型号级年])", key):
        return ""
    if re.search(r"(?:费|率|额|金|价|价格|标准)$", key):
        return f"{key}是多少？"
    if not _RELATIVE.search(column) and re.search(r"(?:费|率|额|金|价|价格|限|标准|面积)$", column):
        return f"{key}的{column}是多少？"
    return ""
