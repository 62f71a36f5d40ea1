"""Answers from the documents' own sentences, steps and rows; a reader only says which of them fits best."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from answering.compose import Composer
from answering.draft import Draft
from answering.editions import editions_of
from answering.evidence import Evidence, Unit, gather
from answering.question import Asked
from answering.selection import Models, Selection
from answering.wording import held_terms
from knowledge_base.errors import NotFoundError
from knowledge_base.values import Document, Passage
from retrieval.retriever import Retrieval

# Log-probability that the reader refuses, for each passage, or None where it cannot say.
Doubts = Callable[[str, Sequence[Passage]], list[float | None]]
# The best passages for a question, and a document by its path.
Search = Callable[[str], Retrieval]
ReadDocument = Callable[[str], Document]

PASSAGES = 8  # whose documents are read in full; the first four hold nine tenths of the facts
_CERTAINTY = 0.12  # what a unit of the reader's certainty is worth in scores of units
_MOST_CERTAIN = 8.0


def extract(
    question: str, search: Search, document: ReadDocument, models: Models, doubts: Doubts, today: date
) -> Draft | None:
    """The answer that the documents of the passages found give, or None where they say nothing about it.

    What a question is made of, several questions or two things to compare, is searched by itself too.
    """

    def select(asked: Asked) -> Selection:
        found = search(asked.text)
        evidence = _evidence([entry.passage for entry in found.ranked[:PASSAGES]], document)
        hits = (*found.candidates.lexical, *found.candidates.dense)
        known = frozenset().union(*(held_terms(hit.passage.indexed_text) for hit in hits))
        editions = editions_of(evidence.sections, today.year)
        return Selection(asked, evidence, editions, models, known.__contains__)

    def choose(selection: Selection, units: Sequence[Unit]) -> Unit | None:
        return chosen(selection, units, doubts(selection.asked.text, [as_passage(unit) for unit in units]))

    return Composer(select(Asked(question)), choose, select).draft()


def chosen(selection: Selection, units: Sequence[Unit], refusals: Sequence[float | None]) -> Unit | None:
    """The unit that is nearest to the question and that the reader least refuses; None without a reader."""
    scores = {candidate.unit: candidate.score for candidate in selection.candidates}
    known = [(unit, doubt) for unit, doubt in zip(units, refusals, strict=False) if doubt is not None]
    return max(
        (unit for unit, _ in known),
        key=lambda unit: scores[unit] + _CERTAINTY * min(-dict(known)[unit], _MOST_CERTAIN),
        default=None,
    )


def as_passage(unit: Unit) -> Passage:
    """The unit under its title and headings, as a reader is used to see it."""
    return replace(unit.passage, text=unit.text, start=unit.start, end=unit.end, heading=unit.path)


def _evidence(passages: Sequence[Passage], document: ReadDocument) -> Evidence:
    """The documents of the passages; one that was deleted meanwhile is left out."""
    there = []
    for path in dict.fromkeys(passage.document for passage in passages):
        try:
            there.append(document(path))
        except NotFoundError:
            continue
    paths = {one.path: one for one in there}
    return gather([passage for passage in passages if passage.document in paths], paths.__getitem__)
