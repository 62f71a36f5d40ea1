"""Answers that begin with yes or no, from the nearest sentence or rows, and corrections of false premises."""

import re
from collections.abc import Sequence

from answering import tables
from answering.draft import Draft, Line, row_sentence, unit_lines
from answering.evidence import Unit, columns_of
from answering.gate import Gate
from answering.quantities import quantities_in
from answering.selection import Candidate, Selection
from answering.wording import terms_in
from answering.yesno import Decision, decide, opening

_ALL = 0.9  # share of the question that is all of it
_DECIDES = 0.4  # share of the question below which a sentence does not say yes to it
_PRESUMED = 0.1  # probability of a unit that a figure of the question in the same unit is about
_SHORT = 5  # units of a section that is shown whole
_SHORT_TEXT = 700  # … and its characters
_NEARBY = 3  # units that the reader chooses from
_ON_SUBJECT = 0.33  # share of the question that a unit holds which is on its subject
_NAMED = 0.25  # share of the question that names a row or a sentence beside it
_ALIKE = 0.3  # a difference of scores that says nothing, so that the reader is asked


def decided(selection: Selection, gate: Gate) -> Draft | None:
    """Yes or no with what decides it; without the word where that is not sure, None where nothing is near."""
    usual = [c for c in selection.candidates if not c.conflicts][:3]
    strict = [c for c in usual if gate.enough(c)]
    found = _decided_rows(selection, gate) or None
    if found:
        return found
    decision = _sure(selection, decide(selection, strict[:2]), usual) if strict else None
    top = strict[0] if strict else None
    if top is None:
        only = [
            c
            for c in selection.candidates[:3]
            if re.search(r"\bonly\b|仅|只", c.unit.text) and c.coverage > _ON_SUBJECT
        ]
        decision = decide(selection, only[:1])
        if decision is None:
            return None
    unit = decision.unit if decision else top.unit if top else gate.best.unit
    said = opening(selection.asked, decision.verdict) if decision else ""
    body = around(selection, unit)
    if not said:
        return Draft(tuple(body))
    return Draft((Line(said, (unit,)), *body)) if body else None


def _sure(selection: Selection, decision: Decision | None, near: Sequence[Candidate]) -> Decision | None:
    """A decision; for a yes of a sentence that holds little of the question, a fuller one's."""
    coverages = {candidate.unit: candidate.coverage for candidate in selection.candidates}
    if decision is None or decision.verdict != "yes" or decision.unit.cells or selection.asked.quantities:
        return decision
    if coverages[decision.unit] >= _DECIDES:
        return decision
    fuller = [
        c
        for c in near
        if c.unit.document == decision.unit.document and c.coverage >= _DECIDES and not c.unit.cells
    ]
    return decide(selection, fuller[:1])


def corrected(selection: Selection, gate: Gate) -> Draft | None:
    """ "Why does the test cost 45 dollars?" where it costs 35: what the question presumes, denied."""
    if not selection.asked.presumes:
        return None
    found = decide(
        selection,
        [c for c in selection.candidates[:_NEARBY] if c.fits and _is_corrected_by(selection, gate, c)],
    )
    if found is None or found.verdict != "no":
        return None
    said = "不对。" if selection.asked.language == "zh" else "No."
    return Draft((Line(said, (found.unit,)), *around(selection, found.unit)))


def _is_corrected_by(selection: Selection, gate: Gate, candidate: Candidate) -> bool:
    """Whether a unit is on what is presumed: near, or less near and with a number in its unit."""
    held = {re.sub(r"[\d,.]+", "", q.text) for q in quantities_in(candidate.unit.text)}
    alike = any(re.sub(r"[\d,.]+", "", q.text) in held - {""} for q in selection.asked.quantities)
    return gate.enough(candidate) or (alike and gate.probability(candidate) > _PRESUMED)


def around(selection: Selection, unit: Unit) -> list[Line]:
    """The deciding unit, with the rest of its section where that is short."""
    if unit.cells:
        return [Line(row_sentence(unit), (unit,), " ")]
    section = selection.evidence.section_of(unit)
    body = [u for u in section.body if u.kind in ("sentence", "item")]
    if len(body) <= _SHORT and sum(len(u.text) for u in body) < _SHORT_TEXT:
        rest = [u for u in body if u is not unit]
        lines = unit_lines([unit], " ")
        return lines + unit_lines(rest) if rest else lines
    return unit_lines([unit], " ")


def _decided_rows(selection: Selection, gate: Gate) -> Draft | None:
    """ "Are you open on Saturdays?" over rows of which some say yes: those rows."""
    least = gate.best.score - _ALIKE
    near = [
        c
        for c in selection.candidates
        if c.score > least or (c.unit.cells and c.coverage > _ALL and c.score > least - _ALIKE)
    ][:_NEARBY]
    row = next((c.unit for c in near if c.unit.cells), None)
    if row is None or _names_row(selection, row):
        return None
    column, rows = tables.rows_filtered(selection)
    if not column or not rows:
        return None
    also = [
        c.unit
        for c in selection.candidates[:12]
        if not c.unit.cells and c.unit.document == rows[0].document and c.coverage > _NAMED
    ][:2]
    if selection.asked.language == "zh":
        head = Line(f"部分营业。{column}：" if "营业" in column else f"部分可以。{column}：", tuple(rows[:1]))
    else:
        head = Line(f"Some are. {column}:", tuple(rows[:1]))
    return Draft((head, *values_listed(column, rows), *unit_lines(also)))


def values_listed(column: str, rows: Sequence[Unit]) -> list[Line]:
    """Rows as a list: the key of each with its value in one column."""
    return [
        Line(f"{tables.key_of(row)}: {dict(row.cells)[column]}", (row,), "\n- " if place else "\n\n- ")
        for place, row in enumerate(rows)
    ]


def _names_row(selection: Selection, row: Unit) -> bool:
    key = terms_in(tables.key_of(row))
    return bool(key & set(selection.asked.terms) - terms_in(columns_of(row)[0]))
