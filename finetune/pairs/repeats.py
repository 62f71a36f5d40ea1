"""Pairs that repeat or contradict an earlier one."""

from collections.abc import Sequence

from finetune.metrics import answer_tokens
from finetune.pairs.evidence import squeezed
from finetune.pairs.near_duplicates import likeness, mark_of, near_duplicate_groups
from finetune.pairs.values import Pair

_Answer = tuple[str, ...]


def without_repeats(pairs: Sequence[Pair], limit: float) -> dict[str, str]:
    """The reason of each pair, by its id, that an earlier one makes superfluous or wrong.

    A pair repeats an earlier one if their questions are near-duplicates and they accept a common answer. It
    contradicts an earlier one if their questions have the same words, in nearly the same order, and their
    answers differ, unless each stands in evidence of its own, as the fee of either year does.
    """
    reasons: dict[str, str] = {}
    for group in near_duplicate_groups([pair.question for pair in pairs], limit):
        if len(group) > 1:
            reasons.update(_of_group([pairs[place] for place in group], limit))
    return reasons


def _of_group(pairs: Sequence[Pair], limit: float) -> dict[str, str]:
    reasons: dict[str, str] = {}
    by_answer: dict[_Answer, list[Pair]] = {}
    by_words: dict[frozenset[str], list[Pair]] = {}
    for pair in pairs:
        mark = mark_of(pair.question)
        answers = _answers(pair)
        alike = (other for answer in answers for other in by_answer.get(answer, ()))
        same = next((o for o in alike if likeness(mark, mark_of(o.question)) >= limit), None)
        other = next((o for o in by_words.get(mark.units, ()) if _contradict(o, pair, limit)), None)
        if same is not None:
            reasons[pair.id] = f"nearly the same question and answer as {same.id}"
        elif other is not None:
            reasons[pair.id] = f"contradicts {other.id}: the same question with another answer"
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
