"""The one answering function, for every kind of question.

Small talk is answered at once. A question is completed from the conversation, searched, and answered from
the documents' own sentences, steps and rows (`extraction`). Asked for in as few words as possible (style
"words"), it is read by the model instead: pack → render → read → decide → generate → attribute. The page,
the command line, the API and evaluation call `Answerer.ask`, so what is measured is what is served.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Literal

from answering.attribution import attribute
from answering.conversation import standalone
from answering.draft import Draft, cited
from answering.extraction import PASSAGES, Doubts, extract
from answering.free import FreeReader, FreeReading
from answering.generation.protocol import Cancelled, Generator, Request, Scorer, never
from answering.offers import offered
from answering.question import Asked
from answering.selection import Models
from answering.smalltalk import OFFERING, reply, small_talk
from answering.sufficiency import Calibration, best_of, signals_of
from answering.values import (
    Answer,
    Event,
    Finished,
    Outcome,
    Piece,
    Profile,
    Question,
    ReadingProfile,
    Searched,
    Trace,
    without_citations,
)
from answering.years import right_years_first
from knowledge_base.characters import ordinary
from knowledge_base.errors import NotFoundError
from knowledge_base.values import Passage
from retrieval.context import Context, Packed, compress, pack, pack_each
from retrieval.prompt import (
    EXAMPLES,
    Language,
    Style,
    is_refusal,
    language_of,
    plain_text,
    refusal,
    render,
)
from retrieval.retriever import Ranked, Retrieval, Retriever

Mode = Literal["each", "together"]

_NEAREST = 3
_TALKED_ABOUT = 60  # documents of which small talk makes the questions that it offers


@dataclass(frozen=True, slots=True)
class Reading:
    """How a generator reads: how many passages, in what room, and how its doubt is weighed.

    `mode` "each" reads every passage in a prompt of its own and answers from the likeliest, "together" reads
    all of them in one. `passage_tokens` is the room of each passage; together they share it.
    `kept_sentences` cuts a passage to that many sentences nearest to the question; None reads it whole.
    `scored` weighs a generator's refusal probability, `unscored` serves one that cannot tell it. `examples`
    says whether worked examples go before the question: a base model needs them, an adapter does not.

    `profile` is the way of reading; "auto" takes "free", which `free` describes, for a capable generator
    without an adapter.
    """

    passages: int
    passage_tokens: int
    max_new_tokens: int
    scored: Calibration
    unscored: Calibration
    kept_sentences: int | None = None
    style: Style = "words"
    examples: bool = True
    mode: Mode = "each"
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    profile: ReadingProfile = "auto"
    free: FreeReading = FreeReading()


# How to read with the adapter of a question; None is the base model.
Readings = Callable[[str | None], Reading]


@dataclass(frozen=True, slots=True)
class _Prompt:
    """What can be asked of the generator, and the passages that it then reads, best first."""

    request: Request
    packed: tuple[Packed, ...]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The prompt to answer from and why."""

    prompt: _Prompt
    confidence: float
    signals: dict[str, float]


class Answerer:
    """Answers questions over one retriever with one generator.

    Args:
        generator: writes the answers; if it is also a Scorer, its doubt is one of the signals.
        models: compare the question, and what is answered, with the documents.
        readings: how the passages are read with each adapter.
        today: says what "this year" means.
    """

    def __init__(
        self, generator: Generator, models: Models, readings: Readings, today: Callable[[], date] = date.today
    ) -> None:
        self._generator = generator
        self._models = models
        self._embed = models.embed
        self._readings = readings
        self._today = today
        self._offers: dict[tuple[str, Language], tuple[int, list[str]]] = {}

    def ask(self, question: Question, retriever: Retriever, cancelled: Cancelled = never) -> Iterator[Event]:
        """Answer one question: Searched, then Pieces of text, then Finished with the checked answer.

        Ends without Finished once `cancelled()` is true.
        """
        talk = small_talk(question.text)
        if talk:
            yield from self._small_talk(question, talk, retriever)
            return
        adapter = None if question.adapter == "base" else question.adapter
        reading = _as_asked(self._readings(adapter), question)
        match self._profile(question, reading, adapter):
            case "free":
                reader = FreeReader(self._generator, self._embed, reading.free, _refusal, self._today)
                yield from reader.ask(question, retriever, cancelled)
            case "extract":
                yield from self._extract(question, adapter, retriever, cancelled)
            case "span":
                yield from self._read(question, adapter, reading, retriever, cancelled)

    def _small_talk(self, question: Question, talk: str, retriever: Retriever) -> Iterator[Event]:
        """A reply to a greeting or the like, with what the collection holds and answers."""
        started = time.perf_counter()
        language = language_of(question.text)
        titles = [entry.title for entry in retriever.catalogue().values()]
        offers = self._offered(question.collection, language, retriever) if talk in OFFERING else []
        text = reply(talk, language, titles, offers)
        yield Piece(text)
        answer = without_citations(question, text, "chat", Trace(question.text, (), "", (), 0))
        yield Finished(replace(answer, kind="chat", seconds=time.perf_counter() - started))

    def _offered(self, collection: str, language: Language, retriever: Retriever) -> list[str]:
        """Questions that the collection answers; found once for each revision of it."""
        revision = retriever.revision
        known, questions = self._offers.get((collection, language), (-1, []))
        if known == revision:
            return questions
        paths = list(retriever.catalogue())
        documents = []
        for path in paths[:: max(1, len(paths) // _TALKED_ABOUT)]:
            with suppress(NotFoundError):
                documents.append(retriever.document(path))

        def answer(text: str) -> Draft | None:
            def search(part: str) -> Retrieval:
                return retriever.search([part], PASSAGES)[0]

            complete = standalone(text, (), self._today())
            unread: Doubts = lambda _, passages: [None] * len(passages)  # noqa: E731
            return extract(complete, search, retriever.document, self._models, unread, self._today())

        questions = offered(documents, language, answer, self._today().year)
        self._offers[collection, language] = (revision, questions)
        return questions

    def _extract(
        self, question: Question, adapter: str | None, retriever: Retriever, cancelled: Cancelled
    ) -> Iterator[Event]:
        """Searched, the answer in one Piece, and Finished; nothing is written token by token."""
        clock = _Clock()
        complete = standalone(ordinary(question.text.strip()), question.history, self._today())

        @cache  # the whole question is searched here and asked for again below
        def search(text: str) -> Retrieval:
            return retriever.search([text], PASSAGES, question.limit)[0]

        found = search(complete)
        clock.mark("search")
        yield Searched(found.ranked)
        prompts: list[str] = []

        def doubts(text: str, passages: Sequence[Passage]) -> list[float | None]:
            return self.doubts(text, passages, adapter, cancelled, prompts)

        draft = extract(complete, search, retriever.document, self._models, doubts, self._today())
        clock.mark("read")
        if cancelled():
            return
        trace = Trace(
            complete, found.ranked, "\n\n".join(prompts), (), found.candidates.revision, {}, clock.stages
        )
        if draft is None:
            answer = _refusal(without_citations(question, "", "not_found", trace))
        else:
            yield Piece(draft.text)
            answer = without_citations(question, draft.text, draft.outcome, trace)
            sentences, citations = cited(draft)
            answer = replace(answer, sentences=sentences, citations=citations)
            if draft.outcome == "related":
                answer = replace(answer, nearest=_nearest(found.ranked))
        seconds = sum(clock.stages.values())
        yield Finished(replace(answer, kind=Asked(complete).kind, profile="extract", seconds=seconds))

    def _read(
        self,
        question: Question,
        adapter: str | None,
        reading: Reading,
        retriever: Retriever,
        cancelled: Cancelled,
    ) -> Iterator[Event]:
        """Searched, Pieces as the model writes them, and Finished."""
        clock = _Clock()
        complete = standalone(ordinary(question.text.strip()), question.history, self._today())
        found = retriever.search([complete], limit=question.limit)[0]
        ranked = right_years_first(complete, found.ranked)
        clock.mark("search")
        yield Searched(ranked)
        context = self._pack(complete, [entry.passage for entry in ranked[: reading.passages]], reading)
        prompts = self._prompts(complete, context.packed, reading, adapter)
        clock.mark("pack")
        chosen = self._choose(complete, ranked, prompts, self._calibration(reading), cancelled)
        clock.mark("read")
        trace = Trace(
            standalone=complete,
            ranked=ranked,
            prompt=plain_text(chosen.prompt.request.messages) if chosen else "",
            left_out=tuple(passage.id for passage in context.left_out),
            revision=found.candidates.revision,
            signals=chosen.signals if chosen else {},
        )
        text = ""
        threshold = self._calibration(reading).threshold
        if chosen and chosen.confidence >= threshold:
            for piece in self._generator.stream(chosen.prompt.request, cancelled):
                told = piece if text else piece.lstrip()  # many models begin with a blank
                text += told
                if told:
                    yield Piece(told)
            clock.mark("write")
        if cancelled():
            return
        answer = _draft(question, text.rstrip(), chosen, threshold, replace(trace, seconds=clock.stages))
        yield Finished(self._checked(answer, chosen, context))

    def _profile(self, question: Question, reading: Reading, adapter: str | None) -> Profile:
        """The profile that is asked for; else few words are written, all other answers extracted.

        Adapters are trained to read one passage at a time, so only a capable model without one reads freely.
        """
        wanted = question.reading or reading.profile
        if wanted != "auto":
            return wanted
        if adapter is None and self._generator.chats:
            return "free"
        return "span" if question.style == "words" else "extract"

    def doubts(
        self,
        question: str,
        passages: Sequence[Passage],
        adapter: str | None = None,
        cancelled: Cancelled = never,
        read: list[str] | None = None,
    ) -> list[float | None]:
        """Log-probability that the generator begins to refuse, for each passage read alone.

        None where the generator cannot say. For calibration too: `ask` weighs the same numbers. `read` takes
        the prompts that were read.
        """
        reading = replace(self._readings(adapter), mode="each")
        context = self._pack(question, passages, reading)
        prompts = self._prompts(question, context.packed, reading, adapter)
        if read is not None and isinstance(self._generator, Scorer):
            read += [plain_text(prompt.request.messages) for prompt in prompts]
        return self._doubts(question, prompts, cancelled)

    def _doubts(
        self, question: str, prompts: Sequence[_Prompt], cancelled: Cancelled = never
    ) -> list[float | None]:
        if not isinstance(self._generator, Scorer):
            return [None] * len(prompts)
        requests = [prompt.request for prompt in prompts]
        return list(self._generator.logprobs(requests, refusal(language_of(question)), cancelled))

    def _calibration(self, reading: Reading) -> Calibration:
        return reading.scored if isinstance(self._generator, Scorer) else reading.unscored

    def _pack(self, question: str, passages: Sequence[Passage], reading: Reading) -> Context:
        if reading.mode == "each":
            context = pack_each(passages, reading.passage_tokens, self._generator.count_tokens)
        else:
            room = reading.passage_tokens * reading.passages
            context = pack(passages, room, self._generator.count_tokens)
        if reading.kept_sentences is None:
            return context
        return replace(
            context, packed=compress(question, context.packed, reading.kept_sentences, self._embed)
        )

    def _prompts(
        self, question: str, packed: Sequence[Packed], reading: Reading, adapter: str | None
    ) -> list[_Prompt]:
        groups = _groups(packed, reading.mode)
        return [_Prompt(_request(question, group, reading, adapter), group) for group in groups]

    def _choose(
        self,
        question: str,
        ranked: Sequence[Ranked],
        prompts: Sequence[_Prompt],
        calibration: Calibration,
        cancelled: Cancelled,
    ) -> _Chosen | None:
        """The likeliest prompt of those that are read, in their order, until one is sure enough.

        A prompt of several passages is judged by the best ranked of them.
        """
        if not prompts:
            return None
        by_id = {entry.passage.id: entry for entry in ranked}
        signals: list[dict[str, float]] = []
        probabilities: list[float] = []
        for prompt in prompts:
            read = self._doubts(question, [prompt], cancelled)
            if cancelled() or not read:
                return None
            (doubt,) = read
            signals.append(signals_of(question, by_id[prompt.packed[0].passage.id], doubt))
            probabilities.append(calibration.probability(signals[-1]))
            if probabilities[-1] >= calibration.sure:
                break
        place = best_of(probabilities)
        return _Chosen(prompts[place], probabilities[place], signals[place])

    def _checked(self, answer: Answer, chosen: _Chosen | None, context: Context) -> Answer:
        """The answer with its citations, or as a refusal."""
        started = time.perf_counter()
        if not answer.refused and chosen:
            others = [entry for entry in context.packed if entry not in chosen.prompt.packed]
            read = [*chosen.prompt.packed, *others]
            sentences, citations = attribute(answer.trace.standalone, answer.text, read, self._embed)
            outcome: Outcome = "answered" if citations else "not_found"
            answer = replace(answer, sentences=sentences, citations=citations, outcome=outcome)
        if answer.refused:
            answer = _refusal(answer)
        seconds = {**answer.trace.seconds, "check": time.perf_counter() - started}
        return replace(answer, trace=replace(answer.trace, seconds=seconds), seconds=sum(seconds.values()))


def _as_asked(reading: Reading, question: Question) -> Reading:
    """The usual way of reading, with what the question wants otherwise."""
    return replace(
        reading,
        style=question.style or reading.style,
        max_new_tokens=question.max_new_tokens or reading.max_new_tokens,
        temperature=question.temperature,
        top_p=question.top_p,
        seed=question.seed,
    )


def _groups(packed: Sequence[Packed], mode: Mode) -> list[tuple[Packed, ...]]:
    """The passages of each prompt."""
    if mode == "each":
        return [(entry,) for entry in packed]
    return [tuple(packed)] if packed else []


def _request(question: str, packed: Sequence[Packed], reading: Reading, adapter: str | None) -> Request:
    examples = EXAMPLES[language_of(question)] if reading.examples else ()
    return Request(
        messages=render(question, [entry.text for entry in packed], reading.style, examples),
        adapter=adapter,
        max_new_tokens=reading.max_new_tokens,
        temperature=reading.temperature,
        top_p=reading.top_p,
        seed=reading.seed,
        stop=("\n",),
        # Whether there is enough evidence is decided by one calibrated number, which has heard the reader's
        # doubt; once it says so, the reader answers.
        unlike=refusal(language_of(question)),
    )


def _draft(question: Question, text: str, chosen: _Chosen | None, threshold: float, trace: Trace) -> Answer:
    """What the model wrote, before it is checked."""
    outcome: Outcome = "not_found" if not text or is_refusal(text) else "answered"
    answer = without_citations(question, text, outcome, trace)
    return replace(answer, confidence=chosen.confidence if chosen else 0.0, threshold=threshold)


class _Clock:
    """Seconds of each stage, in the order of the marks."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def mark(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = now - self._last
        self._last = now


def _nearest(ranked: Sequence[Ranked]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.passage.document for entry in ranked))[:_NEAREST]


def _refusal(answer: Answer) -> Answer:
    """The same answer as a refusal that names the nearest documents."""
    nearest = _nearest(answer.trace.ranked)
    chinese = language_of(answer.question) == "zh"
    if chinese:
        text = "文档中没有找到答案。" + (f"最接近的文档：{'、'.join(nearest)}。" if nearest else "")
    else:
        text = "I could not find this in the documents." + (
            f" The closest are: {', '.join(nearest)}." if nearest else ""
        )
    return replace(answer, text=text, outcome="not_found", sentences=(), citations=(), nearest=nearest)
