"""The one answering function: retrieve → pack → render → read → decide → generate → attribute.

The page, the command line, evaluation and everything later call `Answerer.ask`; what is measured is
therefore what is served.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.answering.attribution import attribute
from app.answering.conversation import standalone
from app.answering.sufficiency import Calibration, best_of, signals_of
from app.answering.values import Answer, Event, Finished, Piece, Question, Searched, Trace
from app.generation.protocol import Cancelled, Generator, Request, Scorer, never
from knowledge_base.values import Passage
from retrieval.context import Context, Packed, pack_each
from retrieval.focus import Embed, focus
from retrieval.prompt import (
    EXAMPLES,
    Style,
    is_refusal,
    language_of,
    plain_text,
    refusal,
    render,
)
from retrieval.retriever import Ranked, Retriever

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """How a generator reads: how many passages, in what room, and how its doubt is weighed.

    `scored` weighs a generator's refusal probability, `unscored` serves one that cannot tell it. `examples`
    says whether worked examples go before the question: a base model needs them, an adapter does not. `focus`
    narrows each passage to that many sentences nearest to the question; None reads it whole.
    """

    passages: int
    passage_tokens: int
    max_new_tokens: int
    scored: Calibration
    unscored: Calibration
    focus: int | None = None
    style: Style = "words"
    examples: bool = True


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The passage to answer from and why."""

    place: int
    confidence: float
    signals: dict[str, float]


class Answerer:
    """Answers questions over one retriever with one generator.

    Args:
        generator: writes the answers; if it is also a Scorer, its doubt is one of the signals.
        embed: texts to unit vectors, for attribution.
        reading: how the passages are read.
        today: says what "this year" means.
    """

    def __init__(
        self, generator: Generator, embed: Embed, reading: Reading, today: Callable[[], date] = date.today
    ) -> None:
        self._generator = generator
        self._embed = embed
        self._reading = reading
        self._today = today

    def ask(self, question: Question, retriever: Retriever, cancelled: Cancelled = never) -> Iterator[Event]:
        """Answer one question: Searched, then Pieces of text, then Finished with the checked answer.

        Ends without Finished once `cancelled()` is true.
        """
        clock = _Clock()
        complete = standalone(question.text.strip(), question.history, self._today())
        found = retriever.search([complete], limit=question.limit)[0]
        clock.mark("search")
        yield Searched(found.ranked)
        context = self._pack(complete, [entry.passage for entry in found.ranked[: self._reading.passages]])
        requests = [self._request(complete, packed, question.adapter) for packed in context.packed]
        clock.mark("pack")
        chosen = self._choose(complete, found.ranked, context, requests)
        clock.mark("read")
        trace = Trace(
            standalone=complete,
            ranked=found.ranked,
            prompt=plain_text(requests[chosen.place].messages) if chosen else "",
            left_out=tuple(passage.id for passage in context.left_out),
            generation=found.legs.generation,
            signals=chosen.signals if chosen else {},
        )
        text = ""
        if chosen and chosen.confidence >= self._calibration.threshold:
            for piece in self._generator.stream(requests[chosen.place], cancelled):
                text += piece
                yield Piece(piece)
            clock.mark("write")
        if cancelled():
            return
        yield Finished(
            self._finish(question, text.strip(), chosen, context, replace(trace, seconds=clock.stages))
        )

    def doubts(self, question: str, passages: Sequence[Passage]) -> list[float | None]:
        """Log-probability that the generator begins to refuse, for each passage read alone.

        None where the generator cannot say. For calibration: `ask` weighs the same numbers.
        """
        context = self._pack(question, passages)
        return self._doubts(question, [self._request(question, packed, None) for packed in context.packed])

    def _doubts(self, question: str, requests: Sequence[Request]) -> list[float | None]:
        if not isinstance(self._generator, Scorer):
            return [None] * len(requests)
        return list(self._generator.logprobs(requests, refusal(language_of(question))))

    @property
    def _calibration(self) -> Calibration:
        return self._reading.scored if isinstance(self._generator, Scorer) else self._reading.unscored

    def _pack(self, question: str, passages: Sequence[Passage]) -> Context:
        context = pack_each(passages, self._reading.passage_tokens, self._generator.count_tokens)
        if self._reading.focus is None:
            return context
        return replace(context, packed=focus(question, context.packed, self._reading.focus, self._embed))

    def _request(self, question: str, packed: Packed, adapter: str | None) -> Request:
        examples = EXAMPLES[language_of(question)] if self._reading.examples else ()
        return Request(
            messages=render(question, [packed.text], self._reading.style, examples),
            adapter=None if adapter == "base" else adapter,
            max_new_tokens=self._reading.max_new_tokens,
            stop=("\n",),
        )

    def _choose(
        self, question: str, ranked: Sequence[Ranked], context: Context, requests: Sequence[Request]
    ) -> _Chosen | None:
        if not requests:
            return None
        doubts = self._doubts(question, requests)
        by_id = {entry.passage.id: entry for entry in ranked}
        signals = [
            signals_of(question, by_id[packed.passage.id], doubt)
            for packed, doubt in zip(context.packed, doubts, strict=True)
        ]
        probabilities = [self._calibration.probability(entry) for entry in signals]
        place = best_of(probabilities)
        return _Chosen(place, probabilities[place], signals[place])

    def _finish(
        self, question: Question, text: str, chosen: _Chosen | None, context: Context, trace: Trace
    ) -> Answer:
        started = time.perf_counter()
        answer = Answer(
            id=uuid.uuid4().hex,
            question=question.text,
            collection=question.collection,
            text=text,
            refused=not text or is_refusal(text),
            confidence=chosen.confidence if chosen else 0.0,
            threshold=self._calibration.threshold,
            sentences=(),
            citations=(),
            nearest=(),
            adapter=question.adapter or "base",
            trace=trace,
            seconds=0.0,
        )
        if not answer.refused and chosen:
            read = [context.packed[chosen.place], *_others(context.packed, chosen.place)]
            sentences, citations = attribute(trace.standalone, text, read, self._embed)
            answer = replace(answer, sentences=sentences, citations=citations, refused=not citations)
        if answer.refused:
            answer = _refusal(answer)
        seconds = {**trace.seconds, "check": time.perf_counter() - started}
        return replace(answer, trace=replace(trace, seconds=seconds), seconds=sum(seconds.values()))


class _Clock:
    """Seconds of each stage, in the order of the marks."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def mark(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = now - self._last
        self._last = now


def _others(packed: Sequence[Packed], place: int) -> list[Packed]:
    return [entry for other, entry in enumerate(packed) if other != place]


def _refusal(answer: Answer) -> Answer:
    """The same answer as a refusal that names the nearest documents."""
    nearest = tuple(dict.fromkeys(entry.passage.document for entry in answer.trace.ranked))[:_NEAREST]
    chinese = language_of(answer.question) == "zh"
    if chinese:
        text = "文档中没有找到答案。" + (f"最接近的文档：{'、'.join(nearest)}。" if nearest else "")
    else:
        text = "I could not find this in the documents." + (
            f" The closest are: {', '.join(nearest)}." if nearest else ""
        )
    return replace(answer, text=text, refused=True, sentences=(), citations=(), nearest=nearest)
