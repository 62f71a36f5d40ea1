"""Which pairs must not be trained on or measured with, each with its reason, and which can be mended."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from finetune.pairs.evidence import Library, located, stands_in, with_evidence_that_holds
from finetune.pairs.near_duplicates import NEAR
from finetune.pairs.personal import find_personal, mask_personal
from finetune.pairs.repeats import without_repeats
from finetune.pairs.values import Dropped, Pair
from knowledge_base.characters import HAN
from knowledge_base.errors import InputError
from knowledge_base.values import Passage
from retrieval.analysis import content_terms
from retrieval.prompt import Language, language_of

# The passages found for a question, best first.
Find = Callable[[str], Sequence[Passage]]
PersonalData = Literal["mask", "drop", "keep"]

_BOTH: frozenset[Language] = frozenset({"en", "zh"})
_LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "zh": "Chinese"}
_LETTER = re.compile(r"[^\W\d_]")
_KNOWN_LETTER = re.compile(f"[A-Za-z\u00aa-\u024f\u1e00-\u1eff{HAN}\uf900-\ufaff\uff21-\uff5a]")
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What a pair may be.

    `longest_*` are characters. `near_duplicate` is the likeness from which two questions are the same, in
    (0, 1]. `personal` says what becomes of personal data. `given_away` allows a question that holds its
    own answer, as a person's may; generated ones may not. `public` are numbers, and "@" with a domain, that
    everybody may know.
    """

    longest_question: int = 400
    longest_answer: int = 300
    longest_sentence: int = 1000
    near_duplicate: float = NEAR
    personal: PersonalData = "mask"
    languages: frozenset[Language] = _BOTH
    given_away: bool = True
    public: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Checked:
    """The pairs that stay, some of them mended, and the others, both in the order in which they came."""

    kept: tuple[Pair, ...]
    dropped: tuple[Dropped, ...]


def check_pairs(
    pairs: Sequence[Pair],
    settings: CheckSettings | None = None,
    documents: Mapping[str, str] | None = None,
    find: Find | None = None,
) -> Checked:
    """Drop every pair that is empty, too long, in another language, personal, unsupported or a repetition.

    Args:
        pairs: with ids that differ.
        settings: limits; without any the usual ones.
        documents: the text of each document of the collection by its path; without it evidence is believed.
        find: the passages found for a question. A pair that names no evidence is given the first that holds
            its answer, and dropped if there is none; without it such a pair stays as it is.

    Raises:
        InputError: two pairs have the same id.
    """
    settings = settings or CheckSettings()
    _require_distinct(pairs)
    library = None if documents is None else Library(documents)
    results = [_checked(pair, settings, library, find) for pair in pairs]
    sound = [result for result in results if isinstance(result, Pair)]
    repeats = without_repeats(sound, settings.near_duplicate)
    reasons = {
        pair.id: result if isinstance(result, str) else repeats[pair.id]
        for pair, result in zip(pairs, results, strict=True)
        if isinstance(result, str) or pair.id in repeats
    }
    return Checked(
        tuple(pair for pair in sound if pair.id not in reasons),
        tuple(
            Dropped(pair.id, _shown(pair.question, settings), pair.origin, reasons[pair.id])
            for pair in pairs
            if pair.id in reasons
        ),
    )


def _require_distinct(pairs: Sequence[Pair]) -> None:
    seen: set[str] = set()
    for pair in pairs:
        if pair.id in seen:
            raise InputError(f"Two pairs have the id {pair.id!r}.", "Give each its own.")
        seen.add(pair.id)


def _shown(question: str, settings: CheckSettings) -> str:
    """A dropped question as a report may show it."""
    shown = question[: settings.longest_question]
    return shown if settings.personal == "keep" else mask_personal(shown, settings.public)


def _checked(pair: Pair, settings: CheckSettings, library: Library | None, find: Find | None) -> Pair | str:
    """The pair, mended where that is possible, or the reason why it is dropped."""
    reason = _misshapen(pair, settings) or _in_another_language(pair.question, settings.languages)
    if reason:
        return reason
    result = _without_personal(pair, settings)
    if isinstance(result, Pair) and library is not None:
        result = with_evidence_that_holds(result, library)
    if isinstance(result, Pair) and find is not None and result.answerable and not result.evidence:
        result = located(result, find(result.question))
    return result


def _misshapen(pair: Pair, settings: CheckSettings) -> str:
    if not content_terms(pair.question):
        return "its question is empty"
    if not all(answer.strip() for answer in pair.answers):
        return "one of its answers is empty"
    lengths = (
        ("question", pair.question, settings.longest_question),
        ("sentence", pair.sentence, settings.longest_sentence),
        *(("answer", answer, settings.longest_answer) for answer in pair.answers),
    )
    for name, text, most in lengths:
        if len(text) > most:
            return f"its {name} is too long: {len(text)} characters, allowed are {most}"
    if not settings.given_away and any(stands_in(answer, pair.question) for answer in pair.answers):
        return "its question holds its answer"
    return ""


def _in_another_language(question: str, allowed: frozenset[Language]) -> str:
    letters = _LETTER.findall(question)
    known = sum(1 for letter in letters if _KNOWN_LETTER.match(letter))
    if letters and known <= _MOSTLY * len(letters):
        return "its question is neither English nor Chinese"
    language = language_of(question)
    return "" if language in allowed else f"its question is {_LANGUAGE_NAMES[language]}, which is not wanted"


def _without_personal(pair: Pair, settings: CheckSettings) -> Pair | str:
    """The pair without personal data; an answer that holds some cannot be taught and goes."""
    if settings.personal == "keep":
        return pair
    texts = [pair.question, pair.sentence, *pair.answers, *(place.quote for place in pair.evidence)]
    found = sorted({kind for text in texts for kind in _kinds(text, settings.public)})
    if not found:
        return pair
    if settings.personal == "drop":
        return f"it holds personal data: {', '.join(found)}"
    answers = tuple(answer for answer in pair.answers if not _kinds(answer, settings.public))
    if pair.answerable and not answers:
        return f"its answer is personal data: {', '.join(found)}"
    # A masked quote would stand nowhere; without it the document is still named.
    evidence = tuple(
        replace(place, quote="") if _kinds(place.quote, settings.public) else place for place in pair.evidence
    )
    return replace(
        pair,
        question=mask_personal(pair.question, settings.public),
        answers=answers,
        sentence=mask_personal(pair.sentence, settings.public),
        evidence=tuple(place for place in evidence if place.document),
    )


def _kinds(text: str, public: frozenset[str]) -> set[str]:
    return {found.kind for found in find_personal(text, public)}
