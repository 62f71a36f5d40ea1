"""Which of the questions that a model wrote are good enough to learn from."""

import re
from collections.abc import Iterable, Sequence

from finetune.metrics import answer_tokens
from finetune.pairs.check import Checked, Find
from finetune.pairs.evidence import sentence_holding, stands_in
from finetune.pairs.generate import Candidate, GenerateSettings
from finetune.pairs.near_duplicates import near_duplicate_groups
from finetune.pairs.values import Dropped, Evidence, Pair
from finetune.reasons import Reason
from knowledge_base.characters import HAN
from knowledge_base.values import digest_of
from retrieval.analysis import content_terms, share
from retrieval.prompt import is_refusal, language_of

ORIGIN = "generated"

_ASKING = re.compile("什么|多少|几|谁|哪|怎|如何|为何|是否|能否|可否|吗|多久|多长|多大|何时|何地")
_LEAST_WORDS = 2
_WHOLE = 0.6
_LETTER = re.compile(rf"[^\W\d_{HAN}]")


def keep_generated(
    candidates: Iterable[Candidate],
    find: Find,
    settings: GenerateSettings | None = None,
    known: Sequence[Pair] = (),
) -> Checked:
    """Keep the candidates whose answer their passage holds and whose question leads back to it.

    Kept are those that are shaped like a question and a short answer, whose answer stands in the passage and
    not in the question, for whose question `find` returns the passage among the first `k`, and that are no
    near-duplicate of a known or an earlier one. Where near-duplicates have different answers, as of two
    versions of a document, the question does not say enough, and none of them is kept. Each gets the
    sentence with its answer as evidence.

    Args:
        candidates: as `generate_pairs` yields them; they are taken one by one.
        find: the passages found for a question, best first.
        settings: limits; without any the usual ones.
        known: pairs that are there already.
    """
    settings = settings or GenerateSettings()
    found: list[Pair] = []
    dropped: list[Dropped] = []
    for candidate in candidates:
        result = _judged(candidate, find, settings)
        if isinstance(result, Pair):
            found.append(result)
        else:
            dropped.append(_dropped(_pair(candidate), result))
    repeated = _repeats([*known, *found], len(known), settings.near_duplicate)
    kept = tuple(pair for place, pair in enumerate(found) if place not in repeated)
    again = [_dropped(found[place], reason) for place, reason in repeated.items()]
    return Checked(kept, (*dropped, *again))


def _judged(candidate: Candidate, find: Find, settings: GenerateSettings) -> Pair | Reason:
    reason = (
        _no_question(candidate.question, settings)
        or _no_answer(candidate, settings)
        or _not_of_the_passage(candidate)
    )
    if reason:
        return reason
    passages = list(find(candidate.question))[: settings.k]
    if candidate.passage.id not in {passage.id for passage in passages}:
        return Reason("passage_not_found", {"k": settings.k})
    return _pair(candidate)


def _no_question(question: str, settings: GenerateSettings) -> Reason | None:
    if not question:
        return Reason("nothing_written")
    if len(question) > settings.longest_question:
        return Reason("question_too_long", {"length": len(question), "most": settings.longest_question})
    asks = question.rstrip("\"'”’」)）").endswith(("?", "？"))
    if not asks and not (language_of(question) == "zh" and _ASKING.search(question)):
        return Reason("no_question")
    if len(content_terms(question)) < _LEAST_WORDS:
        return Reason("question_vague")
    return None


def _no_answer(candidate: Candidate, settings: GenerateSettings) -> Reason | None:
    answer = _clean(candidate.answer)
    if not answer_tokens(answer) or (len(answer) == 1 and _LETTER.match(answer)):
        return Reason("answer_vague")
    if is_refusal(answer):
        return Reason("answer_refusal")
    if len(answer) > settings.longest_answer:
        return Reason("answer_too_long", {"length": len(answer), "most": settings.longest_answer})
    if stands_in(answer, candidate.question):
        return Reason("question_holds_answer")
    return None


def _not_of_the_passage(candidate: Candidate) -> Reason | None:
    answer, text = _clean(candidate.answer), candidate.passage.text
    if not stands_in(answer, text):
        return Reason("answer_not_in_passage")
    if len(answer_tokens(answer)) > 1 and share(content_terms(text), content_terms(answer)) >= _WHOLE:
        return Reason("answer_is_passage")
    if not sentence_holding(answer, candidate.question, text):
        return Reason("answer_in_no_sentence")
    return None


def _clean(answer: str) -> str:
    """An answer without the full stop that ends it, unless others belong to it."""
    bare = answer.strip().rstrip("。")
    return bare[:-1] if bare.endswith(".") and "." not in bare[:-1] else bare


def _pair(candidate: Candidate) -> Pair:
    passage, answer = candidate.passage, _clean(candidate.answer)
    quote = sentence_holding(answer, candidate.question, passage.text) if answer else ""
    content = f"{passage.id}\0{candidate.question}\0{answer}".encode("utf-8", errors="replace")
    return Pair(
        id=f"{ORIGIN}-{digest_of(content)[:12]}",
        question=candidate.question,
        answers=(answer,) if answer else (),
        evidence=(Evidence(passage.document, quote),),
        origin=ORIGIN,
    )


def _dropped(pair: Pair, reason: Reason) -> Dropped:
    return Dropped(pair.id, pair.question, f"{ORIGIN} from {pair.evidence[0].document}", reason)


def _repeats(pairs: Sequence[Pair], known: int, limit: float) -> dict[int, Reason]:
    """Of the pairs behind the first `known`, by their place there: why each is not kept."""
    reasons: dict[int, Reason] = {}
    for group in near_duplicate_groups([pair.question for pair in pairs], limit):
        first = pairs[group[0]]
        other = next((pairs[place] for place in group if not _agree(pairs[place], first)), None)
        for place in group:
            if place < known or (place == group[0] and other is None):
                continue
            if other is None:
                reasons[place - known] = Reason("repeated_question", {"id": first.id})
            else:
                twin = other if place == group[0] else first
                reasons[place - known] = Reason("ambiguous", {"id": twin.id})
    return dict(sorted(reasons.items()))


def _agree(one: Pair, other: Pair) -> bool:
    answers = {tuple(answer_tokens(answer)) for answer in one.answers}
    return one is other or not answers.isdisjoint(tuple(answer_tokens(answer)) for answer in other.answers)
