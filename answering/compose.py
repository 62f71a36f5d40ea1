"""Chooses the evidence that answers a question of each kind, and writes the answer from it."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from answering import tables
from answering.comparison import Select, asks_by_how_much, compared, summed
from answering.draft import (
    Draft,
    Line,
    attribute_sentence,
    row_sentence,
    section_lines,
    table_lines,
    unit_lines,
)
from answering.evidence import Section, Unit, columns_of, definition_of, is_chinese
from answering.gate import Gate
from answering.polarity import permitted
from answering.quantities import quantities_in
from answering.question import subquestions
from answering.selection import Selection
from answering.statement import statement, with_year
from answering.values import Kind
from answering.verdicts import around, corrected, decided, values_listed
from answering.wanted import holds_wanted, is_figure
from answering.wording import folded, subject_terms, terms_in

# Chooses, of some units, the one that answers; None leaves the order as it is.
Choose = Callable[[Selection, Sequence[Unit]], Unit | None]

_LONGEST_SECTION = 14  # units of a section that are shown
_MOST_SECTIONS = 8  # of a summary
_NEARBY = 3  # units that the reader chooses from
_LIKELY = 8  # units of which the likeliest is shown as related where the first is not
_RELATED = 0.02  # probability of an answer below which nothing is even related
_ON_SUBJECT = 0.33  # share of the question that a unit holds which is on its subject
_NAMED = 0.25  # share of the question that names a row or a sentence beside it
_ALIKE = 0.3  # a difference of scores that says nothing, so that the reader is asked
_MEASURED = ("amount", "duration", "area", "count", "rate", "telephone")  # what one column of a row must give
_TABLE_HOLDS = 0.5  # share of the question that a table shown as a whole must hold
_SEVERAL = 2
_SHORT = 5  # units of a section that is shown whole
_LONGEST_TABLE = 20  # rows
_CONTINUES = re.compile(
    r"^(?:it|this|that|these|those|they|before that|after that|until then|otherwise|both|each"
    r"|if so"
    r"|larger|smaller|longer|older|he or she|however|but)\b|^(?:其中|逾期|否则|超过|之前|之后|此前|此后|期满"
    r"|仍|另|但|两者|该|上述|未|已)",
    re.IGNORECASE,
)
_PRICE = re.compile(r"^[a-z ]*\b(?:fee|price|cost|charge|rent|premium|rate)$")
_REPLY = re.compile(r"^(?:answer|reply|response|solution|答复|回答|答案|解决办法|处理方法|处理办法)$")
_CONDITIONAL = re.compile(
    r"\b(?:if|when|unless|provided|must|only|at least|above|below|between|over|under|those)\b"
    r"|的[，,]|以上|以下|满|超过|须|应|如|若|凭|仅|只"
)
_ENUMERATION = re.compile(r"[^、，。]+、[^、，。]+(?:、|和|及)[^、，。]+|\w+, [\w ]+(?:,| and) \w+")
_EACH = re.compile(r"\b(?:and|both|each)\b|[和与及、]|各|分别")


class Composer:
    """Writes the answer to one question from its selection."""

    def __init__(self, selection: Selection, choose: Choose, select: Select) -> None:
        self.selection = selection
        self.asked = selection.asked
        self.gate = Gate(selection)
        self._choose = choose
        self._select = select

    def draft(self) -> Draft | None:
        """The answer, something related, or None where nothing was found."""
        if not self.selection.candidates:
            return None
        if len(self.asked.parts) > 1:
            found = self._in_parts()
            if found is not None:
                return found
        ways: dict[Kind, tuple[Callable[[], Draft | None], ...]] = {
            "compare": (self._compared,),
            "list": (self._filtered, self._listed_rows, self._explained),
            "yesno": (lambda: decided(self.selection, self.gate),),
            "definition": (self._defined, self._explained),
            "summary": (self._summarised,),
            "howto": (self._steps, self._explained),
            "condition": (self._exception, self._conditioned, self._explained),
            "fact": (lambda: corrected(self.selection, self.gate), self._exception, self._fact),
        }
        if self.asked.asks_sum:
            ways[self.asked.kind] = (self._summed, *ways[self.asked.kind])
        for way in ways[self.asked.kind]:
            found = way()
            if found is not None:
                return found
        return self._related()

    def _in_parts(self) -> Draft | None:
        """Several questions in one, each answered by itself; None where fewer than two are."""
        drafts = []
        for asked in subquestions(self.asked):
            draft = Composer(self._select(asked), self._choose, self._select).draft()
            if draft is not None and draft.outcome == "answered":
                drafts.append(draft)
        if len(drafts) < _SEVERAL:
            return None
        lines: list[Line] = []
        for draft in drafts:
            seen = {line.text for line in lines}
            fresh = [line for line in draft.lines if line.text not in seen]
            lines += [Line(fresh[0].text, fresh[0].units, "\n\n"), *fresh[1:]] if fresh else []
        return Draft(tuple(lines))

    @cached_property
    def sections(self) -> list[tuple[float, Section]]:
        """Sections with their scores, best first: by their heading and their best two units."""
        scores: dict[int, list[float]] = {}
        by_unit = {
            id(unit): section for section in self.selection.evidence.sections for unit in section.units
        }
        holding = {}
        for candidate in self.selection.candidates:
            section = by_unit[id(candidate.unit)]
            holding[id(section)] = section
            scores.setdefault(id(section), []).append(candidate.score)
        sections = list(holding.values())
        near = self._heading_nearness(sections)
        lists = [
            0.6 * self.selection.coverage(frozenset().union(*(u.terms | u.scope_terms for u in s.units)))
            for s in sections
        ]
        if self.asked.kind in ("list", "howto"):
            wanted = ("item", "row") if self.asked.kind == "list" else ("item",)
            lists = [
                e + 0.25 * (sum(u.kind in wanted for u in s.body) > 1 or self._enumerates(s))
                for e, s in zip(lists, sections, strict=True)
            ]
        scored = [
            (
                extra
                + 0.7 * max(scores[id(s)])
                + 0.3 * sum(sorted(scores[id(s)])[-2:]) / 2
                + 0.5 * self.selection.coverage(terms_in(s.heading))
                + 0.8 * n,
                s,
            )
            for s, n, extra in zip(sections, near, lists, strict=True)
        ]
        return sorted(scored, key=lambda pair: -pair[0])

    def _enumerates(self, section: Section) -> bool:
        """Whether a sentence of a section names several things, for a question for a list."""
        return self.asked.kind == "list" and any(
            _ENUMERATION.search(u.text) for u in section.body if not u.cells
        )

    def _heading_nearness(self, sections: Sequence[Section]) -> list[float]:
        texts = [" › ".join(dict.fromkeys((s.units[0].passage.title, s.heading))) for s in sections]
        cosines = self.selection.embed(texts) @ self.selection.question_vector
        return [float(n) for n in np.clip((cosines - 0.75) / 0.2, 0.0, 1.0)]

    # Kinds

    def _fact(self) -> Draft | None:
        fitting = [c for c in self.selection.candidates if self.gate.enough(c) and self._answers(c.unit)][
            :_NEARBY
        ]
        if not fitting:
            return None
        alike = [c.unit for c in fitting if c.score > fitting[0].score - _ALIKE]
        chosen = self._choose(self.selection, alike) if len(alike) > 1 else None
        return self._of_unit(chosen or fitting[0].unit)

    def _answers(self, unit: Unit) -> bool:
        """Whether a value of the kind that is asked for is there at all."""
        return holds_wanted(self.asked, unit) and (
            bool(self.asked.currency) or self.selection.holds_attribute(unit)
        )

    def _of_unit(self, unit: Unit) -> Draft | None:
        if not unit.cells:
            section = self.selection.evidence.section_of(unit)
            if not self.asked.wants and (whole := section.list_of(unit)):
                return Draft(tuple(unit_lines(whole)))
            place = section.body.index(unit)
            following = section.body[place + 1 : place + 2]
            units = [unit, *(u for u in following if u.kind == "sentence" and _CONTINUES.match(u.text))]
            if _CONTINUES.match(unit.text) and place and section.body[place - 1].kind == "sentence":
                units.insert(0, section.body[place - 1])
            return Draft(tuple(unit_lines(units)))
        if any(_REPLY.match(folded(name)) for name in columns_of(unit)):
            return Draft((Line(_reply_cell(unit), (unit,)),))
        if len(several := self._columns_named(unit)) > 1:
            return Draft((Line(row_sentence(unit, several), (unit,)),))
        column = self._column(unit) or self._column_in_meaning(unit)
        if column is None:
            return None if self.asked.wants in _MEASURED else Draft((Line(row_sentence(unit), (unit,)),))
        name, value = column[0], tables.with_unit(*column)
        said = statement(self.asked.text, value, self.asked.language) or row_sentence(unit, [name])
        if self._leaves_out_attribute(unit):
            said = attribute_sentence(unit, value)
        year = self.selection.editions.year_of(unit)
        if year and not self.asked.years and year not in said:
            said = with_year(said, year)
        return Draft((Line(said, (unit,)),))

    def _leaves_out_attribute(self, row: Unit) -> bool:
        """Whether the question names a row without what its key tells of it: "How much is a gold card?"."""
        attribute = tables.key_of(row).partition(", ")[2]
        return bool(_PRICE.search(attribute)) and not terms_in(attribute) & set(self.asked.terms)

    def _column(self, row: Unit) -> tuple[str, str] | None:
        """The asked column of a row; where the question names another cell than the first, the first."""
        asked = set(self.selection.weights)
        key_share = self.selection.coverage(terms_in(row.cells[0][1]) & asked)
        others = [
            (self.selection.coverage(terms_in(v) & asked), n)
            for n, v in row.cells[1:]
            if not quantities_in(v)
        ]
        most, named = max(others, default=(0.0, ""))
        if most > key_share + 0.1 and re.search(
            r"\b(?:which|who|where)\b|哪|谁|什么", folded(self.asked.text)
        ):
            return row.cells[0]
        return tables.column_for(
            self.selection, row, [named] if most > _NAMED and len(row.cells) > _SEVERAL else []
        )

    def _columns_named(self, row: Unit) -> list[str]:
        """The columns that the question names in full, where it asks for each of several."""
        if not _EACH.search(folded(self.asked.text)):
            return []
        asked = terms_in(self.asked.text)
        names = {name: terms_in(name) - row.scope_terms for name, _ in row.cells[1:]}
        return [name for name, own in names.items() if own and own <= asked]

    def _column_in_meaning(self, row: Unit) -> tuple[str, str] | None:
        """Of the cells that hold what is wanted, the nearest to the question; None if none of them does."""
        cells = [cell for cell in row.cells[1:] if tables.may_answer(self.asked, *cell)]
        if self.asked.wants in (*_MEASURED, "time"):
            cells = [cell for cell in cells if is_figure(cell[1])]
        if not cells or not self.asked.wants:
            return None
        texts = [f"{tables.key_of(row)}: {name} {value}" for name, value in cells]
        cosines = self.selection.embed(texts) @ self.selection.question_vector
        return cells[int(cosines.argmax())]

    def _exception(self) -> Draft | None:
        """ "Employees other than managers may not …" answers who may."""
        if not re.search(r"\bwho\b|谁|哪些人|什么人", folded(self.asked.text)):
            return None
        for candidate in self.selection.candidates[:3]:
            said = permitted(candidate.unit.text)
            if said and candidate.coverage > _ON_SUBJECT:
                units = (candidate.unit,)
                return Draft((Line(said, units), Line(candidate.unit.text, units)))
        return None

    def _conditioned(self) -> Draft | None:
        """The nearest sentence that sets a condition, with what stands beside it."""
        top = next((c for c in self.selection.candidates if self.gate.enough(c)), None)
        if re.search(r"\bwho\b|谁|什么人", folded(self.asked.text)):
            return None
        if top is None or top.unit.cells or not _CONDITIONAL.search(folded(top.unit.text)):
            return None
        return Draft(tuple(around(self.selection, top.unit)))

    def _filtered(self) -> Draft | None:
        column, rows = tables.rows_filtered(self.selection)
        if not column or not rows or not self.gate.on_subject:
            return None
        head = Line(f"{column}:" if self.asked.language == "en" else f"{column}：", tuple(rows[:1]))
        return Draft((head, *values_listed(column, rows)))

    def _listed_rows(self) -> Draft | None:
        """Rows of one table that share an attribute which the question names, such as all annual fees."""
        top = self.gate.best
        if not self.gate.enough(top) or not top.unit.cells or self._names_own_row(top.unit):
            return None
        rows = next((rows for rows in tables.tables_of(self.selection) if top.unit in rows), ())
        held = frozenset().union(*(row.terms | row.scope_terms for row in rows))
        if self.selection.coverage(held) < _TABLE_HOLDS:
            return None
        asked = (
            set(subject_terms(self.asked.parts[-1])) if len(self.asked.parts) > 1 else set(self.asked.terms)
        )
        shared = [r for r in rows if terms_in(tables.key_of(r)) & asked]
        chosen = tables.sharing(asked, shared) if len(shared) > 1 else list(rows)
        if not _SEVERAL <= len(chosen) <= _LONGEST_TABLE:
            return None
        heads = list(columns_of(chosen[0]))
        return Draft(tuple(table_lines(heads, [(r, [v for _, v in r.cells]) for r in chosen])))

    def _names_own_row(self, row: Unit) -> bool:
        key = terms_in(tables.key_of(row))
        return bool(key) and key <= set(self.asked.terms) | terms_in(self.asked.text)

    def _defined(self) -> Draft | None:
        word = terms_in(self.asked.defined)
        for candidate in self.selection.candidates[:15]:
            if candidate.unit.cells and _is_code(tables.key_of(candidate.unit), self.asked.defined):
                return Draft((Line(row_sentence(candidate.unit), (candidate.unit,)),))
            found = definition_of(candidate.unit)
            if found and word and terms_in(found[0]) >= word - terms_in("account"):
                return Draft(tuple(unit_lines([candidate.unit])))
        return None

    def _explained(self) -> Draft | None:
        for _, section in self.sections[:1]:
            if not self._is_enough(section):
                return None
            row = next(
                (c.unit for c in self.selection.candidates if c.unit in section.units and c.fits), None
            )
            if row is not None and row.cells and self._is_register(section, row):
                return Draft((Line(_reply_cell(row), (row,)),))
            body = self._narrowed(section)
            if not body:
                return None
            lines = unit_lines(body[:_LONGEST_SECTION])
            for further in self._after_introduction(section):
                lines += section_lines(further, _LONGEST_SECTION, heading=True)
            return Draft(tuple(lines))
        return None

    def _narrowed(self, section: Section) -> list[Unit]:
        """A section with the rows that the question names alone; nothing if it names others than there are.

        Before a row that it names stand the steps of the same document, if it asks how something is done.
        """
        left = [unit for unit in section.body if not unit.is_envelope]
        for rows in section.tables:
            if all(self.selection.conflicts(row) for row in rows):
                return []
            named = [row for row in rows if tables.names(self.selection, row)]
            left = [u for u in left if not named or u not in rows or u in named]
        if self.asked.kind == "howto" and len(left) < len(section.body) and {u.kind for u in left} == {"row"}:
            siblings = self.selection.evidence.document(section.document)
            left = [*next((s.body for s in siblings if _has_steps(s)), ()), *left]
        return left

    def _is_register(self, section: Section, row: Unit) -> bool:
        """Whether the rows of a section are questions with their answers, each by itself."""
        return len(section.body) > _NEARBY and any(_REPLY.match(folded(name)) for name in columns_of(row))

    def _after_introduction(self, section: Section) -> list[Section]:
        """What follows where the best section only introduces its document: the sections that are as near."""
        siblings = self.selection.evidence.document(section.document)
        if section is not siblings[0] or len(siblings) == 1 or len(section.body) > _SHORT:
            return []
        scores = {id(one): score for score, one in self.sections}
        best = self.sections[0][0]
        near = [one for one in siblings[1:] if scores.get(id(one), 0.0) > best - 0.8]
        return near[:2] or list(siblings[1:2])

    def _is_enough(self, section: Section) -> bool:
        """Whether a unit of a section carries an answer."""
        return any(self.gate.enough(c) for c in self.selection.candidates if c.unit in section.units)

    def _steps(self) -> Draft | None:
        """All numbered sections of a document that is itself the instruction asked for."""
        if not self.sections or not self._is_enough(self.sections[0][1]):
            return None
        best = self.sections[0][1]
        siblings = self.selection.evidence.document(best.document)
        steps = [section for section in siblings if section.is_step]
        title = self.selection.coverage(terms_in(best.units[0].passage.title))
        if len(steps) < _SEVERAL or title < _ON_SUBJECT:
            return None
        lines: list[Line] = []
        for number, section in enumerate(steps, 1):
            lines.append(
                Line(
                    f"**{re.sub(r'^[0-9]+[.)、：:] *', '', section.heading)}**",
                    section.units[:1],
                    f"\n\n{number}. ",
                )
            )
            for unit in section.body[:5]:
                lines.append(Line(unit.text, (unit,), "" if is_chinese(unit.text) else " "))
        return Draft(tuple(lines))

    def _summarised(self) -> Draft | None:
        if not self.sections or not self.gate.on_subject:
            return None
        best = self.sections[0][1]
        siblings = [s for s in self.selection.evidence.document(best.document)]
        lines: list[Line] = []
        for section in siblings[:_MOST_SECTIONS]:
            rows = [u for u in section.body if u.kind == "row"][:8]
            others = [u for u in section.body if u.kind != "row"][: 5 if not rows else 1]
            units = [u for u in section.body if u in rows or u in others]
            made = unit_lines(units)
            if section.heading != best.units[0].passage.title and len(siblings) > 1:
                lines.append(Line(f"**{section.heading}**", (units[0],), "\n\n"))
            lines += made
        return Draft(tuple(lines))

    def _summed(self) -> Draft | None:
        return summed(self.selection) if self.gate.on_subject else None

    def _compared(self) -> Draft | None:
        if not self.gate.on_subject:
            return None
        if tables.names_superlative_column(self.selection):
            return self._fact()
        found = compared(self.selection, self._select)
        return found if found or asks_by_how_much(self.asked) else self._explained()

    # Otherwise

    def _related(self) -> Draft | None:
        """The nearest section or unit, said to be related only; None if nothing is about the subject."""
        top = self.selection.candidates[0]
        if self.gate.probability(top) < _RELATED:
            top = max(self.selection.candidates[:_LIKELY], key=self.gate.probability)
        if self.gate.probability(top) < _RELATED:
            return None
        lead = (
            "文档中没有直接说明，但有以下相关内容："
            if self.asked.language == "zh"
            else "The documents do not say this, but they say:"
        )
        if top.unit.cells:
            body = [Line(row_sentence(top.unit), (top.unit,), "\n\n")]
        else:
            body = unit_lines([top.unit])
        return Draft((Line(lead, (top.unit,)), *body), "related")


def _has_steps(section: Section) -> bool:
    return sum(unit.kind == "item" for unit in section.body) > 1


def _reply_cell(row: Unit) -> str:
    """The answer that a row of questions and answers gives."""
    found = next((value for name, value in row.cells if _REPLY.match(folded(name))), row_sentence(row))
    return found if found.endswith((".", "。", "！", "!")) else f"{found}{'。' if is_chinese(found) else '.'}"


def _is_code(key: str, defined: str) -> bool:
    """Whether the key of a row is a code, as R3 or KB-008, that a question asks the meaning of."""
    if not re.search(r"\d", key):
        return False
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(folded(key))}(?![a-z0-9])", folded(defined)))
