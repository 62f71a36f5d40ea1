"""Drops or repairs the pairs that must not be trained on or tested with, and gives the reason for each."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from finetune.metrics import answer_tokens
from finetune.pairs.evidence import Library, located, squeezed, stands_in, with_evidence_that_holds
from finetune.pairs.near_duplicates import likeness, mark_of, near_duplicate_groups
from finetune.pairs.personal import find_personal, mask_personal
from finetune.pairs.values import Dropped, Pair
from finetune.reasons import Reason, ReasonKind
from finetune.settings import CheckSettings
from knowledge_base.characters import HAN
from knowledge_base.errors import InputError
from knowledge_base.values import Passage
from retrieval.analysis import content_terms
from retrieval.prompt import Language, language_of

# The passages found for a question, best first.
Find = Callable[[str], Sequence[Passage]]

_LETTER = re.compile(r"[^\W\d_]")
_KNOWN_LETTER = re.compile(f"[A-Za-z\u00aa-\u024f\u1e00-\u1eff{HAN}\uf900-\ufaff\uff21-\uff5a]")
_MOSTLY = 0.5
_Answer = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """The kept pairs, some of them repaired, and the dropped ones, both in their original order."""

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
    repeats = _repeats(sound, settings.near_duplicate)
    reasons = {
        pair.id: result if isinstance(result, Reason) else repeats[pair.id]
        for pair, result in zip(pairs, results, strict=True)
        if isinstance(result, Reason) or pair.id in repeats
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


def _checked(
    pair: Pair, settings: CheckSettings, library: Library | None, find: Find | None
) -> Pair | Reason:
    """The pair, repaired if possible, or the reason why it is dropped."""
    reason = _misshapen(pair, settings) or _in_another_language(pair.question, settings.languages)
    if reason:
        return reason
    result = _without_personal(pair, settings)
    if isinstance(result, Pair) and library is not None:
        result = with_evidence_that_holds(result, library)
    if isinstance(result, Pair) and find is not None and result.answerable and not result.evidence:
        result = located(result, find(result.question))
    return result


def _misshapen(pair: Pair, settings: CheckSettings) -> Reason | None:
    if not content_terms(pair.question):
        return Reason("question_empty")
    if not all(answer.strip() for answer in pair.answers):
        return Reason("answer_empty")
    lengths: tuple[tuple[ReasonKind, str, int], ...] = (
        ("question_too_long", pair.question, settings.longest_question),
        ("sentence_too_long", pair.sentence, settings.longest_sentence),
        *(("answer_too_long", answer, settings.longest_answer) for answer in pair.answers),
    )
    for kind, text, most in lengths:
        if len(text) > most:
            return Reason(kind, {"length": len(text), "most": most})
    if not settings.given_away and any(stands_in(answer, pair.question) for answer in pair.answers):
        return Reason("question_holds_answer")
    return None


def _in_another_language(question: str, allowed: Collection[Language]) -> Reason | None:
    letters = _LETTER.findall(question)
    known = sum(1 for letter in letters if _KNOWN_LETTER.match(letter))
    if letters and known <= _MOSTLY * len(letters):
        return Reason("unknown_language")
    language = language_of(question)
    return None if language in allowed else Reason("unwanted_language", {"language": language})


def _without_personal(pair: Pair, settings: CheckSettings) -> Pair | Reason:
    """The pair without personal data; an answer that holds some cannot be taught and goes."""
    if settings.personal == "keep":
        return pair
    texts = [pair.question, pair.sentence, *pair.answers, *(place.quote for place in pair.evidence)]
    found = ", ".join(sorted({kind for text in texts for kind in _kinds(text, settings.public)}))
    if not found:
        return pair
    if settings.personal == "drop":
        return Reason("personal_data", {"personal": found})
    answers = tuple(answer for answer in pair.answers if not _kinds(answer, settings.public))
    if pair.answerable and not answers:
        return Reason("personal_answer", {"personal": found})
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


def _kinds(text: str, public: Sequence[str]) -> set[str]:
    return {found.kind for found in find_personal(text, public)}


def _repeats(pairs: Sequence[Pair], limit: float) -> dict[str, Reason]:
    """The reason of each pair, by its id, that an earlier one makes superfluous or wrong.

    A pair repeats an earlier one if their questions are near-duplicates and they accept a common answer. It
    contradicts an earlier one if their questions have the same words, in nearly the same order, and their
    answers differ, unless each has evidence of its own, such as the fee lists of two years.
    """
    reasons: dict[str, Reason] = {}
    for group in near_duplicate_groups([pair.question for pair in pairs], limit):
        if len(group) > 1:
            reasons.update(_of_group([pairs[place] for place in group], limit))
    return reasons


def _of_group(pairs: Sequence[Pair], limit: float) -> dict[str, Reason]:
    reasons: dict[str, Reason] = {}
    by_answer: dict[_Answer, list[Pair]] = {}
    by_words: dict[frozenset[str], list[Pair]] = {}
    for pair in pairs:
        mark = mark_of(pair.question)
        answers = _answers(pair)
        alike = (other for answer in answers for other in by_answer.get(answer, ()))
        same = next((o for o in alike if likeness(mark, mark_of(o.question)) >= limit), None)
        other = next((o for o in by_words.get(mark.units, ()) if _contradict(o, pair, limit)), None)
        if same is not None:
            reasons[pair.id] = Reason("repeated", {"id": same.id})
        elif other is not None:
            reasons[pair.id] = Reason("contradicts", {"id": other.id})
        else:
            by_words.setdefault(mark.units, []).append(pair)
            for answer in answers:
                by_answer.setdefault(answer, []).append(pair)
    return reasons


def _answers(pair: Pair) -> tuple[_Answer, ...]:
    """What the accepted answers are compared by; those of an unanswerable pair are one empty answer."""
    if not pair.answerable:
        return ((),)
    return tuple(dict.fromkeys(tuple(answer_tokens(answer)) or (answer,) for answer in pair.answers))


def _contradict(one: Pair, other: Pair, limit: float) -> bool:
    """Of pairs whose questions have the same content words, and whose answers differ."""
    words, others = _ordered_words(one.question), _ordered_words(other.question)
    same_words = len(words & others) >= limit * len(words | others)
    return same_words and not (_places(one) and _places(other) and not _places(one) & _places(other))


def _ordered_words(question: str) -> frozenset[tuple[str, ...]]:
    """All words, empty ones too, and all neighbouring two: how much is not how long."""
    words = answer_tokens(question)
    return frozenset([*((word,) for word in words), *zip(words, words[1:], strict=False)])


def _places(pair: Pair) -> frozenset[tuple[str, str]]:
    return frozenset((place.document, squeezed(place.quote)) for place in pair.evidence)
