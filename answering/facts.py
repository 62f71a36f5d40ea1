"""What a checked answer says of a field that a caller names: a number, a choice, a yes or no, or words."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any

from answering.evidence import cells_of
from answering.quantities import Quantity, quantities_in
from answering.question import Asked
from answering.values import Answer, Citation
from answering.wording import folded, subject_terms, terms_in
from retrieval.prompt import Language, language_of

# The answer to another question about the same documents.
Ask = Callable[[str], Answer]

_WHOLE = re.compile(
    r"answers?|text|response|reply|results?|contents?|summary|message|output|explanation|reason(?:ing)?|details?"
    r"|value|amount|number|count|total|quantity|figure|info(?:rmation)?|data|数值|数量|金额|数字|答案|回答|内容|摘要|说明|结果"
)
_NAME = re.compile(r"(?:\w+ )?(?:name|title|item|product)|.*(?:名称|项目|名字)")
_BEGINNING = re.compile(r"\b(?:open|start|begin|from)|开")
_END = re.compile(r"\b(?:clos|end|until|finish)|[关结止]")
_SUFFIX = re.compile(
    r"(?: in)?(?: (?:name|number|no|yuan|cny|rmb|usd|eur|gbp|hours|days|months|years|percent|pct|text))+$"
)
# Names of fields whose values can be told by their form.
_FORMS = {
    re.compile(
        r"(?:.* )?(?:tele)?phone(?: number)?|hotline|tel|.*(?:电话|热线)(?:号码)?"
    ): r"\+?\d[\d -]{3,}\d",
    re.compile(r"(?:.* )?e ?mail(?: address)?|.*邮箱(?:地址)?"): r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    re.compile(r"(?:.* )?(?:url|website|link)|网址"): r"https?://[^\s)>\]]+|www\.[^\s)>\]]+",
}
_MOST_ASKED = 12  # other questions that one object may take
_FOUND = re.compile(r"found|answered|answerable|has answer|is answered|是否找到|已回答")
_SOURCE = re.compile(
    r"sources?|documents?|files?|file ?names?|citations?|references?|来源|出处|文档|文件|引用"
)
_TITLE = re.compile(r"(?:document )?title|标题")
_QUOTE = re.compile(r"quotes?|quotation|evidence|excerpt|passage|原文|引文|依据")
_PAGE = re.compile(r"pages?(?: number)?|页码?")
_CONFIDENCE = re.compile(r"confidence(?: score)?|置信度")
_QUESTION = re.compile(r"question|query|问题")
_UNIT = re.compile(r"(?:.* )?(?:currency|unit)s?(?: code)?|.*(?:币种|货币|单位)")
_CURRENCIES = {"yuan": "CNY", "dollar": "USD", "euro": "EUR", "pound": "GBP", "yen": "JPY"}
_WHETHER = re.compile(r"^(?:whether|true if|if|是否)\s*", re.IGNORECASE)
_YES = re.compile(r"\W*(?:yes|是|可以|能|会|有|需要|要|允许|对)(?![不没])", re.IGNORECASE)
_NO = re.compile(r"\W*(?:no|not|否|不|没|无)", re.IGNORECASE)
_DATES = (("%d %B %Y", r"\d{1,2} [A-Z][a-z]+ \d{4}"), ("%B %d, %Y", r"[A-Z][a-z]+ \d{1,2}, \d{4}"),
          ("%Y年%m月%d日", r"\d{4}年\d{1,2}月\d{1,2}日"), ("%Y-%m-%d", r"\d{4}-\d{2}-\d{2}"))  # fmt: skip
_ITEM = re.compile(r"^(?:- |\d+\. )(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Label:
    """A field by its name and description, for an answer in a language.

    `alone` says that there is no other field of its kind, so that it may be the answer.
    """

    name: str
    description: str
    language: Language
    alone: bool = False

    @property
    def spelled(self) -> str:
        """Its name in words: "annualFee" as "annual fee"."""
        return re.sub(r"[_\-\s]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.name)).strip().lower()

    @property
    def words(self) -> str:
        """The same, or its description where only that is in the language of the answer."""
        is_told = bool(self.description) and language_of(self.description) == self.language
        return self.description.strip().rstrip(".。") if self.is_foreign and is_told else self.spelled

    @property
    def is_foreign(self) -> bool:
        """Whether its name is in another language, so that nothing can be found by its words."""
        return language_of(self.name) != self.language

    @property
    def terms(self) -> frozenset[str]:
        """What its name can be found by, without a unit or "name" at its end; nothing in another language."""
        words = _SUFFIX.sub("", self.words) or self.words
        return frozenset(subject_terms(words)) if language_of(words) == self.language else frozenset()

    def fits(self, pattern: re.Pattern[str]) -> bool:
        """Whether its whole name is of a kind."""
        return pattern.fullmatch(self.spelled) is not None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer and its citations say.

    `ask` is None where only this answer counts.
    """

    answer: Answer
    ask: Ask | None = None
    _asked: dict[str, Answer] = field(default_factory=dict)

    def text(self, label: Label, form: str = "") -> str | None:
        """Words for a field; `form` is the format of JSON Schema that they are to have."""
        if form in ("date", "date-time"):
            return next(filter(None, map(_date_in, self._texts(label))), None)
        if (told := self._about_answer(label)) is not None:
            return told
        if label.fits(_UNIT):
            return next(filter(None, map(_unit_in, self._texts(label))), None)
        if spelled := next((spelled for names, spelled in _FORMS.items() if label.fits(names)), ""):
            texts = chain(self._sentences(label), self._texts(label))
            return next((found[0] for text in texts if (found := re.search(spelled, text))), None)
        if self._is_answer(label):
            return self.answer.text
        return self._clock(label) or self._cell(label) or self._in_words(label) or self._told(label) or None

    def number(self, label: Label, *, whole: bool) -> float | int | None:
        """A number as it is written, for a field that may want whole ones only."""
        if label.fits(_PAGE):
            return next((one.page for one in self.answer.citations if one.page), None)
        if label.fits(_CONFIDENCE):
            return None if whole else self.answer.confidence
        for text in self._texts(label):
            for quantity in _preferred(quantities_in(text), label):
                if not whole or quantity.number.is_integer():
                    return int(quantity.number) if quantity.number.is_integer() else quantity.number
        return None

    def decision(self, label: Label) -> bool | None:
        """Yes or no."""
        if label.fits(_FOUND):
            return True
        if self.answer.kind == "yesno" and (label.alone or label.fits(_WHOLE) or not self.ask):
            return _decided(self.answer.text)
        found = self._other(self._asking_whether(label))
        decided = _decided(found.text) if found and found.kind == "yesno" else None
        return decided if decided is not None or self.answer.kind != "yesno" else _decided(self.answer.text)

    def choice(self, label: Label, options: Sequence[Any]) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The one option that stands in what is said; None if none does, or several do."""
        if set(map(folded, map(str, options))) <= {"yes", "no", "是", "否"}:
            decided = self.decision(label)
            wanted = ("yes", "是") if decided else ("no", "否")
            return (
                None
                if decided is None
                else next((one for one in options if folded(str(one)) in wanted), None)
            )
        for text in self._texts(label):
            codes = [_CURRENCIES[q.dimension] for q in quantities_in(text) if q.dimension in _CURRENCIES]
            standing = [one for one in options if _stands(str(one), text) or str(one).upper() in codes[:1]]
            longest = [one for one in standing if not any(_inside(one, other) for other in standing)]
            if len(longest) == 1:
                return longest[0]
        return None

    def each(self, label: Label) -> Iterator["Facts"]:
        """The items of an answer, each with what is cited for it: sources, rows, list items, or sentences."""
        if any(label.fits(kind) for kind in (_SOURCE, _QUOTE, _PAGE, _TITLE)):
            for citation in self.answer.citations:
                told = citation.quote if label.fits(_QUOTE) else citation.document
                yield Facts(replace(self.answer, text=told, citations=(citation,)))
            return
        by_number = {citation.number: citation for citation in self.answer.citations}
        rows = [(one, cells) for one in self.answer.citations if (cells := cells_of(one.quote))]
        items = _ITEM.findall(self.answer.text)
        if len(rows) > len(items):
            for citation, cells in rows:
                yield Facts(replace(self.answer, text=cells[0][1], citations=(citation,)))
        elif items:
            for item in items:
                yield Facts(replace(self.answer, text=item, citations=_cited_for(item, self.answer)))
        else:
            for sentence in self.answer.sentences:
                cited = tuple(by_number[number] for number in sentence.citations if number in by_number)
                yield Facts(replace(self.answer, text=sentence.text.strip(), citations=cited))

    def with_all_citations(self) -> Answer:
        """The answer with what is cited for the other answers that were asked for."""
        citations = list(self.answer.citations)
        for other in self._asked.values():
            known = {(one.document, one.start) for one in citations}
            fresh = [one for one in other.citations if (one.document, one.start) not in known]
            citations += [replace(one, number=len(citations) + at) for at, one in enumerate(fresh, 1)]
        return replace(self.answer, citations=tuple(citations))

    def _about_answer(self, label: Label) -> str | None:
        """What is known of the answer and needs no reading."""
        first = next(iter(self.answer.citations), None)
        if label.fits(_QUESTION):
            return self.answer.question
        if first is None:
            return None
        told = {_SOURCE: first.document, _TITLE: first.title, _QUOTE: first.quote}
        return next((text for pattern, text in told.items() if label.fits(pattern)), None)

    def _texts(self, label: Label) -> Iterator[str]:
        """Texts that may hold the value of a field, the likeliest first."""
        if cell := self._cell(label):
            yield cell
        if self._is_answer(label) or label.fits(_UNIT) or self._is_asked_for(label):
            yield from self._sentences(label)
        if told := self._told(label):
            yield told

    def _told(self, label: Label) -> str:
        """What asking for the field gives, if that speaks of it."""
        other = self._other(self._asking(label))
        if other is None or other.outcome != "answered":
            return ""
        said = terms_in(" ".join([other.text, *(citation.quote for citation in other.citations)]))
        return other.text if label.terms <= said else ""

    def _is_answer(self, label: Label) -> bool:
        """Whether a field is the answer itself: by its name, or alone and about the same."""
        about = terms_in(self.answer.trace.standalone) | terms_in(self.answer.text)
        related = label.is_foreign or (label.terms | terms_in(label.description)) & about
        return label.fits(_WHOLE) or (label.alone and (self.ask is None or bool(related)))

    def _clock(self, label: Label) -> str:
        """The first or last time of day of an answer, for a field that names a beginning or an end."""
        times = [one.text for one in quantities_in(self.answer.text) if one.dimension == "clock"]
        if not times or not (ends := _END.search(label.words)) and not _BEGINNING.search(label.words):
            return ""
        return times[-1] if ends else times[0]

    def _sentences(self, label: Label) -> list[str]:
        """The sentences of the answer, those that hold most of the label first."""
        texts = [sentence.text for sentence in self.answer.sentences] or [self.answer.text]
        return sorted(texts, key=lambda text: -len(label.terms & terms_in(text)))

    def _cell(self, label: Label) -> str:
        """The cell of a cited row about the subject, in the column that the field is named after.

        In a table whose columns are the subjects, the row is named after the field.
        """
        best, most = "", 0.0
        for citation in self.answer.citations:
            cells = cells_of(citation.quote)
            if cells and label.fits(_NAME) and self.ask is None:
                return cells[0][1]
            for column, value in cells if label.terms else ():
                named, row = terms_in(column), terms_in(cells[0][1])
                shared = len(label.terms & named) / len(label.terms | named)
                if not self._subject(label) <= terms_in(citation.quote):
                    continue
                if label.terms <= row and self._subject(label) <= named | row and value != cells[0][1]:
                    return value
                if shared > most and (label.terms <= named or named <= label.terms):
                    best, most = value, shared
        return best

    def _subject(self, label: Label) -> frozenset[str]:
        """What the question is about, as far as the answer knows it; a single item is about itself."""
        if self.ask is None:
            return frozenset()
        question = self.answer.trace.standalone
        known = terms_in(
            " ".join([self.answer.text, *(citation.quote for citation in self.answer.citations)])
        )
        return frozenset(subject_terms(question)) & known - Asked(question).attribute - label.terms

    def _is_asked_for(self, label: Label) -> bool:
        """Whether the question itself asks for the field, or an item speaks of it."""
        asked = subject_terms(self.answer.trace.standalone)
        about = frozenset(asked) if self.ask else terms_in(self.answer.text)
        return bool(label.terms) and label.terms <= about

    def _in_words(self, label: Label) -> str:
        """The one quantity that is asked for, or what the question calls the field: "platinum card"."""
        question, found = self.answer.trace.standalone, quantities_in(self.answer.text)
        if self.ask is None or not self._is_asked_for(label):
            return ""
        if label.terms <= Asked(question).attribute:
            return found[0].text if len(found) == 1 else ""
        name = re.escape(_SUFFIX.sub("", label.words))
        named = re.search(rf"(\w+) {name}\b", folded(question))
        return named[0] if named and subject_terms(named[1]) else ""

    def _asking(self, label: Label) -> str:
        """A question for the field, about what the question is about."""
        if label.description.rstrip().endswith(("?", "？")):
            return label.description
        if not label.terms:
            return ""
        asked = Asked(self.answer.trace.standalone)
        named = asked.attribute | label.terms
        subject = [chunk for chunk in asked.chunks if not named >= set(subject_terms(chunk))]
        if asked.language == "zh":
            return f"{''.join(subject)}的{label.words}是多少？"
        return f"What is the {_SUFFIX.sub('', label.words)} of the {' '.join(subject)}?"

    def _asking_whether(self, label: Label) -> str:
        told = _WHETHER.sub("", label.description).rstrip(".。")
        if label.description.rstrip().endswith(("?", "？")):
            return label.description
        asked = Asked(self.answer.trace.standalone)
        if asked.language == "zh":
            return f"{told or ''.join(asked.chunks)}{'' if told else label.words}吗？"
        return f"Is it true that {told}?" if told else f"Is the {' '.join(asked.chunks)} {label.words}?"

    def _other(self, question: str) -> Answer | None:
        """The answer to another question, asked once."""
        if question and question not in self._asked and self.ask and len(self._asked) < _MOST_ASKED:
            self._asked[question] = self.ask(question)
        return self._asked.get(question)


def _preferred(found: Sequence[Quantity], label: Label) -> list[Quantity]:
    """Quantities with the unit first that the field names, as "days" in "notice_days"."""
    wanted = {one.dimension for word in label.words.split() for one in quantities_in(f"1 {word}")} - {""}
    return sorted(found, key=lambda one: one.dimension not in wanted)


def _unit_in(text: str) -> str:
    found = [re.sub(r"[\d.,\s]+", "", one.text) for one in quantities_in(text) if one.dimension]
    return next(filter(None, found), "")


def _date_in(text: str) -> str:
    for pattern, spelled in _DATES:
        if found := re.search(spelled, text):
            try:
                return datetime.strptime(found[0], pattern).date().isoformat()
            except ValueError:
                continue
    return ""


def _decided(text: str) -> bool | None:
    return True if _YES.match(text) else False if _NO.match(text) else None


def _stands(option: str, text: str) -> bool:
    """Whether an option stands in a text as words of its own."""
    words = re.escape(folded(option).replace("_", " "))
    return bool(re.search(rf"(?<![a-z0-9]){words}(?![a-z0-9])", folded(text)))


def _inside(option: object, other: object) -> bool:
    return option != other and folded(str(option)) in folded(str(other))


def _cited_for(item: str, answer: Answer) -> tuple[Citation, ...]:
    """What is cited for the sentence of which an item is the text."""
    said = [one for one in answer.sentences if item in one.text or one.text in item]
    numbers = {number for sentence in said for number in sentence.citations}
    return tuple(one for one in answer.citations if one.number in numbers)
