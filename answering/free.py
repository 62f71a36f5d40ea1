"""Reads with a capable model: whole passages together, a free answer in Markdown, every sentence checked.

The packaged small model needs one passage at a time, examples and a stop at the first line. An instruct
model, in this process or at a server, does better without: it gets the passages that fit its window, the last
turns as messages, and room for several paragraphs. What it cites is a claim until the computed support
confirms it.
"""

import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date

from answering.attribution import attribute
from answering.claims import denies, statement_spans, without_markers
from answering.conversation import standalone, with_years
from answering.generation.decoding import ThoughtFilter
from answering.generation.protocol import Cancelled, Finish, Pieces, Request, never
from answering.generation.protocol import Generator as TextGenerator
from answering.question import Asked
from answering.values import (
    Answer,
    Citation,
    Event,
    Finished,
    Piece,
    Question,
    Searched,
    Sentence,
    Trace,
    without_citations,
)
from answering.years import right_years_first
from knowledge_base.characters import ordinary
from knowledge_base.errors import InputError, UnavailableError
from retrieval.analysis import content_terms
from retrieval.chat_prompt import render_answer, render_rewrite
from retrieval.context import Context, Embed, Packed, pack
from retrieval.prompt import language_of, plain_text
from retrieval.retriever import Ranked, Retriever

# Enough for a question, and for a model that thinks about it first.
_REWRITE_TOKENS = 512
# Tokens that a chat template adds, and by which a count may be off.
_SPARE_TOKENS = 128
_LEAST_ROOM = 200
# Characters by which a question may grow when it is rewritten.
_LONGEST_REWRITE = 400
_STRESS = re.compile(r"\*\*|__|`")

_CUT = {
    "en": "*The answer was cut off at the limit of {tokens} tokens.*",
    "zh": "*回答达到 {tokens} 个词元的上限，在此中断。*",
}


@dataclass(frozen=True, slots=True)
class FreeReading:
    """How a capable model reads: up to `passages` whole ones together, with the last `turns` exchanges.

    `context` is the window in tokens, for a generator that does not say; `max_new_tokens` bounds the answer
    with the thoughts before it.
    """

    passages: int = 8
    context: int = 8192
    max_new_tokens: int = 2048
    turns: int = 3


class FreeReader:
    """Answers questions over a retriever with one capable generator.

    Args:
        generator: an instruct model.
        embed: texts to unit vectors, for the computed support.
        reading: how much it reads and writes.
        refuse: turns an answer that nothing carries into the statement that nothing was found.
        today: says what "this year" means.
    """

    def __init__(
        self,
        generator: TextGenerator,
        embed: Embed,
        reading: FreeReading,
        refuse: Callable[[Answer], Answer],
        today: Callable[[], date] = date.today,
    ) -> None:
        self._generator = generator
        self._embed = embed
        self._reading = reading
        self._refuse = refuse
        self._today = today
        self._window = min(generator.context or reading.context, reading.context)

    def ask(self, question: Question, retriever: Retriever, cancelled: Cancelled = never) -> Iterator[Event]:
        """Searched, Pieces as the model writes them, and Finished with the checked answer.

        Ends without Finished once `cancelled()` is true. Raises UnavailableError if the model writes nothing
        but thoughts, or withholds its answer.
        """
        started = time.perf_counter()
        complete = self._complete(question, cancelled)
        if cancelled():
            return
        found = retriever.search([complete], self._reading.passages, question.limit)[0]
        ranked = right_years_first(complete, found.ranked)
        searched = time.perf_counter()
        yield Searched(ranked)
        request, context = self._request(question, complete, ranked)
        reply, finish = ThoughtFilter(), None
        if context.packed:
            finish = yield from _heard(self._generator.stream(request, cancelled), reply)
        if cancelled():
            return
        if context.packed and not reply.text.strip():
            raise _without_answer(finish, request.max_new_tokens)
        written = time.perf_counter()
        trace = Trace(
            standalone=complete,
            ranked=ranked,
            prompt=plain_text(request.messages) if context.packed else "",
            left_out=tuple(passage.id for passage in context.left_out),
            revision=found.candidates.revision,
            seconds={"search": searched - started, "write": written - searched},
        )
        answer = self._checked(_draft(question, reply.text.strip(), trace), context.packed)
        if finish == "length" and not answer.refused:
            note = _CUT[language_of(complete)].format(tokens=request.max_new_tokens)
            answer = replace(answer, text=f"{answer.text}\n\n{note}")
        seconds = {**trace.seconds, "check": time.perf_counter() - written}
        yield Finished(replace(answer, trace=replace(trace, seconds=seconds), seconds=sum(seconds.values())))

    def _complete(self, question: Question, cancelled: Cancelled) -> str:
        """The question as it can be searched: a follow-up is rewritten by the model, years are named.

        The rules of `standalone` serve where the model's reply is no question about the same thing.
        """
        asked = ordinary(question.text.strip())
        if not question.history:
            return with_years(asked, self._today())
        turns = self._turns(question)
        adapter = _adapter_of(question)
        request = Request(render_rewrite(asked, turns), adapter, _REWRITE_TOKENS, reasoning=True)
        reply = ThoughtFilter()
        try:
            for _ in _heard(self._generator.stream(request, cancelled), reply):
                pass
        except InputError:  # the conversation is longer than the window
            return standalone(asked, question.history, self._today())
        lines = [line.strip(" \"“”'*") for line in reply.text.splitlines() if line.strip(" \"“”'*")]
        wanted = content_terms(asked)
        is_question = len(lines) == 1 and len(lines[0]) <= len(asked) + _LONGEST_REWRITE
        if is_question and (not wanted or wanted & content_terms(lines[0])) and not denies(lines[0]):
            return with_years(lines[0], self._today())
        return standalone(asked, question.history, self._today())

    def _turns(self, question: Question) -> list[tuple[str, str]]:
        """The last exchanges that fit a quarter of the window, oldest first."""
        kept: list[tuple[str, str]] = []
        room = self._window // 4
        for turn in reversed(question.history[-self._reading.turns :]):
            room -= sum(self._generator.count_tokens([turn.question, turn.answer]))
            if room < 0:
                break
            kept.insert(0, (turn.question, turn.answer))
        return kept

    def _request(
        self, question: Question, complete: str, ranked: Sequence[Ranked]
    ) -> tuple[Request, Context]:
        """What the model is asked, with as many whole passages as its window has room for."""
        turns = self._turns(question)
        tokens = min(question.max_new_tokens or self._reading.max_new_tokens, self._window // 2)
        around = render_answer(complete, (), turns)
        room = self._window - tokens - _SPARE_TOKENS
        room -= sum(self._generator.count_tokens([message.content for message in around]))
        passages = [entry.passage for entry in ranked[: self._reading.passages]]
        context = pack(passages, max(room - 4 * len(passages), _LEAST_ROOM), self._generator.count_tokens)
        messages = render_answer(complete, [entry.text for entry in context.packed], turns)
        request = Request(
            messages,
            _adapter_of(question),
            tokens,
            question.temperature,
            question.top_p,
            question.seed,
            reasoning=True,
        )
        return request, context

    def _checked(self, answer: Answer, read: Sequence[Packed]) -> Answer:
        """The answer with the citations that support confirms, or as the statement that nothing was found."""
        text, claims = without_markers(answer.text, len(read))
        sentences: list[Sentence] = []
        citations: list[Citation] = []
        denied: list[bool] = []
        for start, end in statement_spans(text):
            sentence = text[start:end]
            denied.append(denies(sentence))
            if denied[-1]:
                continue
            claimed = [read[number - 1] for place, number in claims if start < place <= end]
            found = self._support(answer.trace.standalone, sentence, claimed, read)
            sentences.append(Sentence(sentence, tuple(_number(one, citations) for one in found)))
        if not citations:
            return self._refuse(replace(answer, outcome="not_found"))
        return replace(
            answer,
            text=text,
            sentences=tuple(sentences),
            citations=tuple(citations),
            outcome="related" if denied[0] else "answered",
        )

    def _support(
        self, question: str, sentence: str, claimed: Sequence[Packed], read: Sequence[Packed]
    ) -> tuple[Citation, ...]:
        """The citation that carries a sentence best: of the passages that it names, else of all."""
        plain = _STRESS.sub("", sentence.replace("|", " ")).strip()
        for passages in filter(None, (claimed, read)):
            _, citations = attribute(question, plain, passages, self._embed)
            if citations:
                return citations
        return ()


def _heard(pieces: Pieces, reply: ThoughtFilter) -> Generator[Piece, None, Finish | None]:
    """What the model says, piece by piece; returns why it ended."""
    with closing(pieces):
        while True:
            try:
                shown = reply.push(next(pieces))
            except StopIteration as end:
                finish: Finish | None = end.value
                break
            if shown:
                yield Piece(shown)
    if shown := reply.rest():
        yield Piece(shown)
    return finish


def _without_answer(finish: Finish | None, tokens: int) -> UnavailableError:
    if finish == "length":
        return UnavailableError(
            f"The model reached its limit of {tokens} tokens while it was thinking, and wrote no answer.",
            "Raise free_new_tokens in the settings, or ask for less at once.",
        )
    if finish == "filter":
        return UnavailableError(
            "The generator's content filter withheld the answer.",
            "Ask in other words, or use another generator.",
        )
    return UnavailableError("The model ended without an answer.", "Ask again, or in other words.")


def _adapter_of(question: Question) -> str | None:
    return None if question.adapter == "base" else question.adapter


def _draft(question: Question, text: str, trace: Trace) -> Answer:
    """What the model wrote, before it is checked."""
    answer = without_citations(question, text, "answered", trace)
    return replace(answer, threshold=0.0, kind=Asked(trace.standalone).kind, profile="free")


def _number(found: Citation, citations: list[Citation]) -> int:
    """The number of this place, giving it the next one where it is cited for the first time."""
    for citation in citations:
        if (citation.passage_id, citation.start) == (found.passage_id, found.start):
            return citation.number
    citations.append(replace(found, number=len(citations) + 1))
    return len(citations)
