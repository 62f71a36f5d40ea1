"""Questions on a collection's passages, written by a model: what it is asked, what of its replies is kept."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from answering.generation.protocol import Generator, Request
from finetune.corpus import Corpus
from finetune.files import append_json, json_lines
from finetune.metrics import answer_tokens
from finetune.pairs.check import Checked, Find
from finetune.pairs.evidence import sentence_holding, stands_in
from finetune.pairs.near_duplicates import NEAR, near_duplicate_groups
from finetune.pairs.store import GENERATED, PairStore
from finetune.pairs.values import Dropped, Evidence, Pair
from finetune.reasons import Reason
from knowledge_base.characters import HAN
from knowledge_base.errors import InputError
from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage, digest_of
from retrieval.analysis import content_terms, numbers_of, share
from retrieval.prompt import EXAMPLES, Language, Message, is_refusal, language_of
from retrieval.storage import translate_errors

# Gives a model messages and returns its reply.
Write = Callable[[tuple[Message, ...]], str]

ORIGIN = "generated"

# A reply is a question and its answer; a model without a chat template continues with a task of its own.
_TOKENS = 96
_STOP = ("\n\n",)
_LEAST_EXCERPT_WORDS = 4


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """How many questions a passage is asked for, and what a good one is.

    `per_passage` is the number of excerpts of a passage that are shown to the model, one at a time. `k` is
    among how many passages the retriever must find the right one. `longest_*` are characters.
    `near_duplicate` is the likeness from which two questions are the same, in (0, 1].
    """

    per_passage: int = 3
    k: int = 5
    longest_question: int = 200
    longest_answer: int = 80
    near_duplicate: float = NEAR


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and answer that a model wrote on a passage; both are "" where its reply held none."""

    passage: Passage
    question: str
    answer: str


def write_pairs_on(  # noqa: PLR0913, PLR0917 - who writes, about what, and where it is kept
    corpus: Corpus,
    store: PairStore,
    generator: Generator,
    passages: int,
    progress: Callable[[int, int], None],
    seed: int = 0,
    writer: str = "the model",
    settings: GenerateSettings | None = None,
) -> Checked:
    """Let a model write questions on passages, and store the good ones beside the imported pairs.

    What was written before is kept: the same call does nothing, one for more passages writes the rest.
    However it ends, by Ctrl-C too, what was written until then is judged and stored.

    Args:
        corpus: its passages are asked about, and its search must find them again.
        store: where the pairs are kept.
        generator: writes, without an adapter.
        passages: on how many.
        progress: is called with the passages done and their total.
        seed: another one draws other passages.
        writer: what the generator is called, for the record.
        settings: how many questions a passage gets, and what a good one is.

    Raises:
        InputError: the collection has no passage with enough text to ask questions about.
        NotFoundError: there is no such collection.
    """
    settings = settings or GenerateSettings()
    drawn = _drawn(corpus, passages, seed)
    place = store.folder / corpus.name
    with translate_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    written = _Written(place / f"{GENERATED}.candidates")
    try:
        _write_missing(drawn, written, generator, settings, progress)
    finally:
        checked = _kept(corpus, store, written, settings, writer)
    return checked


def _drawn(corpus: Corpus, count: int, seed: int) -> list[Passage]:
    telling = [passage for passage in corpus.passages() if excerpts(passage, 1)]
    if not telling:
        raise InputError(
            f"The collection {corpus.name} has no passage with enough text to ask questions about.",
            "Ingest documents with running text first.",
        )
    return sorted(telling, key=lambda passage: digest_of(f"{seed}\0{passage.id}".encode()))[:count]


def _write_missing(
    drawn: Sequence[Passage],
    written: "_Written",
    generator: Generator,
    settings: GenerateSettings,
    progress: Callable[[int, int], None],
) -> None:
    def write(messages: tuple[Message, ...]) -> str:
        return "".join(generator.stream(Request(messages, max_new_tokens=_TOKENS, stop=_STOP)))

    for number, passage in enumerate(drawn):
        progress(number, len(drawn))
        if passage.id not in written.replies:
            written.add(passage, list(generate_pairs([passage], write, settings)))
    progress(len(drawn), len(drawn))


def _kept(
    corpus: Corpus, store: PairStore, written: "_Written", settings: GenerateSettings, writer: str
) -> Checked:
    """Judge all that was written on passages that are still there, and store what is good."""
    names = [file.name for file in store.list(corpus.name)]
    sources = store.sources(corpus.name, stored=[name for name in names if name != GENERATED])
    known: list[Pair] = [pair for source in sources for pair in source.pairs]
    candidates = written.candidates(corpus)
    checked = keep_generated(candidates, lambda question: corpus.find(question, settings.k), settings, known)
    if checked.kept:
        source = f"written by {writer} on passages of the collection"
        store.store(corpus.name, GENERATED, checked.kept, source)
    elif GENERATED in names:
        store.remove(corpus.name, GENERATED)
    return checked


class _Written:
    """Replies by passage, in a file that only grows; a line that a kill cut short is written again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.replies: dict[str, list[tuple[str, str]]] = {}
        with translate_errors(file):
            text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        for record in json_lines(text):
            try:
                pairs = [(str(question), str(answer)) for question, answer in record["pairs"]]
                self.replies[str(record["passage"])] = pairs
            except (ValueError, KeyError, TypeError):
                continue

    def add(self, passage: Passage, candidates: Sequence[Candidate]) -> None:
        """Keep what was written on a passage; it is on the disk when this returns."""
        pairs = [(candidate.question, candidate.answer) for candidate in candidates]
        with translate_errors(self._file):
            record = {"passage": passage.id, "document": passage.document, "pairs": pairs}
            append_json(self._file, record)
        self.replies[passage.id] = pairs

    def candidates(self, corpus: Corpus) -> Iterator[Candidate]:
        """What was written on the passages that the collection still has."""
        for passage in corpus.passages():
            for question, answer in self.replies.get(passage.id, ()):
                yield Candidate(passage, question, answer)


@dataclass(frozen=True, slots=True)
class _Wording:
    task: str
    text: str
    question: str
    answer: str


_WORDINGS: dict[Language, _Wording] = {
    "en": _Wording(
        task="Write a question that a reader could ask and that the text answers. Name what it is about, for"
        " the reader does not see the text. Then give the answer in as few words as possible, copied from the"
        " text.",
        text="Text: ",
        question="Question:",
        answer="Answer:",
    ),
    "zh": _Wording(
        task="根据文本写一个读者可能提出、文本能够回答的问题。读者看不到文本，问题要说清所问的是什么。"
        "然后从文本中摘取尽量少的字作为答案。",
        text="文本：",
        question="问题：",
        answer="回答：",
    ),
}

_MARKUP = r"[ \t>#*_`\-•\d.)）(（]*"
_ASKS = rf"(?:^|\n){_MARKUP}(?:question|q|问题|提问|问)[ \t*_]*\d{{0,2}}[ \t*_]*[:：]"
_REPLIES = (
    rf"(?:(?:^|\n){_MARKUP}(?:answer|a|答案|回答|答)|(?<=[?？。\s*])(?:answer|答案|回答))"
    r"[ \t*_]*\d{0,2}[ \t*_]*[:：]"
)
_ASKED = re.compile(_ASKS, re.IGNORECASE)
_REPLIED = re.compile(_REPLIES, re.IGNORECASE)
# Where a model without a chat template continues with a task of its own.
_NEXT_TASK = re.compile(
    rf"\n{_MARKUP}(?:text|passage|文本|原文)[ \t*_]*[:：]|<\|?(?:im_end|end_of_turn|eot_id|endoftext)", re.I
)
_EDGES = ' \t\r\n*_`"“”「」'


def generate_pairs(
    passages: Sequence[Passage], write: Write, settings: GenerateSettings | None = None
) -> Iterator[Candidate]:
    """Ask a model for questions on each passage, excerpt by excerpt; nothing is judged yet.

    Args:
        passages: what is asked about, each in its own language.
        write: gives the messages to a model and returns its reply.
        settings: how many excerpts of a passage are shown.

    Yields:
        Every question with its answer as it was written, and one empty candidate for a reply without any.
    """
    settings = settings or GenerateSettings()
    for passage in passages:
        for excerpt in excerpts(passage, settings.per_passage):
            written = parse_reply(write(question_prompt(excerpt)))
            for question, answer in written or [("", "")]:
                yield Candidate(passage, question, answer)


def excerpts(passage: Passage, count: int) -> list[str]:
    """Up to `count` pieces of a passage, under its title and headings, in their order.

    Each is one of the sentences that say most, with the one before it, which may say what "it" is. A small
    model asks about what it is shown first; shown one sentence at a time, it asks about each.
    """
    sentences = [passage.text[start:end] for start, end in sentence_spans(passage.text)]
    weights = [_weight(sentence) for sentence in sentences]
    places = [place for place, weight in enumerate(weights) if weight[1] >= _LEAST_EXCERPT_WORDS]
    best = sorted(places, key=lambda place: weights[place], reverse=True)[:count]
    above = passage.indexed_text[: -len(passage.text)] if passage.text else ""
    return [above + "\n".join(sentences[max(0, place - 1) : place + 1]) for place in sorted(best)]


def _weight(sentence: str) -> tuple[bool, int]:
    return bool(numbers_of(sentence)), len(content_terms(sentence))


def question_prompt(text: str) -> tuple[Message, ...]:
    """The messages that ask for a question on `text`, in its language, with worked examples before it.

    The reply is expected to be the question, and under it the answer behind its label. A base model without a
    chat template needs the examples; it simply continues the text.
    """
    language = language_of(text)
    wording = _WORDINGS[language]
    messages = [Message("system", wording.task)]
    for example in EXAMPLES[language]:
        messages.append(Message("user", f"{wording.text}{example.text}\n{wording.question}"))
        space = "" if language == "zh" else " "
        reply = f"{example.question}\n{wording.answer}{space}{example.answer}"
        messages.append(Message("assistant", reply))
    messages.append(Message("user", f"{wording.text}{text}\n{wording.question}"))
    return tuple(messages)


def parse_reply(reply: str) -> list[tuple[str, str]]:
    """The questions with their answers in a model's reply, in its order; those without either are left out.

    Labels may be in English or Chinese, numbered or in Markdown, on lines of their own or not; the label of
    the first question may be missing. What the model writes behind that, as its next task, is cut off.
    """
    text = _NEXT_TASK.split(reply.strip(), maxsplit=1)[0]
    first = _ASKED.search(text)
    answered = _REPLIED.search(text)
    if first is None or (answered is not None and answered.start() < first.start()):
        text = f"Question: {text}"
    starts = [match.end() for match in _ASKED.finditer(text)]
    ends = [match.start() for match in _ASKED.finditer(text)][1:] + [len(text)]
    written = (_divided(text[start:end]) for start, end in zip(starts, ends, strict=True))
    return list(dict.fromkeys(pair for pair in written if all(pair)))


def _divided(text: str) -> tuple[str, str]:
    """Question and answer of one entry, each on one line."""
    match = _REPLIED.search(text)
    if match is None:
        return "", ""
    answer = text[match.end() :].strip().partition("\n")[0]
    return " ".join(text[: match.start()].split()).strip(_EDGES), answer.strip(_EDGES)


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

    Kept are those that are shaped like a question and a short answer, whose answer is in the passage and
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
