"""One reply, whatever the format of its route: what is asked for, the text as it comes, the whole."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from answering.generation.decoding import StopFilter
from answering.generation.protocol import Cancelled, never
from answering.structured import Form, UnfilledError, filled, form_in, form_of, question_in, written
from answering.values import Answer, Finished, Piece, Question, Task
from app.api.dependencies import usage_of
from app.api.errors import FieldError, ModelNotFoundError
from app.api.openai.fields import Asking, conversation_of
from app.api.openai.sources import UrlCitation, as_text, cited_in
from app.schema import Usage
from app.session import Session
from knowledge_base.errors import InputError, NotFoundError
from retrieval.prompt import Message

Finish = Literal["stop", "length"]
# Any object, for a reply in JSON of which nothing more is said.
_ANY_OBJECT = Form({"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]})


@dataclass(frozen=True, slots=True)
class Whole:
    """The finished reply; `text` replaces what came before, `answer` is None for text without documents.

    `refusal` is the sentence that stands in the place of JSON that could not be filled, else "".
    """

    text: str
    answer: Answer | None
    refusal: str = ""
    was_cut: bool = False


# A reply, as it comes: its text, and at the end the whole.
Part = str | Whole


@dataclass(frozen=True, slots=True)
class Manner:
    """How this server replies: which collection is asked by default, and whether sources are text."""

    collection: str
    append_sources: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, taken out of the format of its route."""

    asking: Asking
    messages: tuple[Message, ...]
    most_tokens: int | None = None
    form: Form | None = None
    in_json: bool = False


class Reply:
    """What is to be replied to, and by whom; `server` is the address under which it was asked."""

    def __init__(self, session: Session, wanted: Wanted, manner: Manner, prefix: str, server: str) -> None:
        self.session = session
        self.wanted = wanted
        self.id = f"{prefix}{uuid.uuid4().hex}"
        self.created = int(time.time())
        self.model = wanted.asking.model
        self._manner = manner
        self._server = server

    def parts(self, cancelled: Cancelled) -> Iterator[Part]:
        """The reply as it comes; what is wrong with the request is raised before its first part."""
        try:
            if self.wanted.in_json:
                yield from self._in_json(cancelled)
            elif self.wanted.asking.retrieval:
                yield from self._answered(cancelled)
            else:
                yield from self._written(cancelled)
        except NotFoundError as error:
            if is_known(self.session, self.wanted.asking.model):
                raise
            raise ModelNotFoundError(error.cause, error.remedy) from error

    async def usage(self, whole: Whole) -> Usage:
        """The tokens of the exchange."""
        answer = whole.answer
        prompt = answer.trace.prompt if answer else "\n".join(one.content for one in self.wanted.messages)
        return await usage_of(self.session, prompt, whole.text or whole.refusal)

    def finish(self, whole: Whole, usage: Usage | None) -> Finish:
        """Why the reply ended; a refusal has no length."""
        most = self.wanted.most_tokens
        refused = whole.refusal or (whole.answer and whole.answer.refused)
        filled_up = most and usage and usage.completion_tokens >= most
        return "length" if not refused and (whole.was_cut or filled_up) else "stop"

    def citations(self, whole: Whole) -> list[UrlCitation]:
        """The places that the sentences of the reply are taken from."""
        return list(cited_in(whole.text, whole.answer, self._server)) if whole.answer else []

    def _answered(self, cancelled: Cancelled) -> Iterator[Part]:
        """An answer from the documents.

        What was streamed may turn out to stand on nothing when it is checked: a refusal follows it then.
        """
        stop, shown, held, answer = StopFilter(self.wanted.asking.stop), "", "", None
        for event in self.session.ask(self._question(), cancelled):
            if isinstance(event, Piece):
                shown += (piece := stop.push(held))
                held = event.text
                yield piece
            elif isinstance(event, Finished):
                answer = event.answer
        if answer is None:
            return
        # A text of the documents comes in one piece, whatever its length; others were written no longer.
        kept = self._within(held) if answer.profile == "extract" else held
        shown += (rest := stop.push(kept) + stop.rest())
        yield rest
        text = shown if kept != held else self._until_stop(answer.text)
        if answer.outcome == "not_found" or not shown:
            yield f"\n\n{text}" if shown else text
        sources = as_text(answer) if self._manner.append_sources else ""
        yield sources
        self.model = answer.adapter
        yield Whole(text + sources, answer, was_cut=kept != held)

    def _written(self, cancelled: Cancelled) -> Iterator[Part]:
        """A text of the model alone."""
        stop, text = StopFilter(self.wanted.asking.stop), ""
        writing = self.session.write(self._task(self.wanted.messages), cancelled)
        self.model = writing.adapter
        for piece in writing.pieces:
            text += (shown := stop.push(piece))
            yield shown
            if stop.stopped:
                writing.pieces.close()  # type: ignore[attr-defined]  # generators of pieces are generators
                break
        text += (rest := stop.rest())
        yield rest
        yield Whole(text.strip(), None)

    def _in_json(self, cancelled: Cancelled) -> Iterator[Part]:
        """An object of the form that is asked for, or the sentence that says why there is none."""
        form = self.wanted.form or form_in(self.wanted.messages[-1].content)
        answer = None
        try:
            if self.wanted.asking.retrieval:
                question = self._question()
                question = replace(question, text=question_in(question.text))
                answer = self._answer(question, cancelled)
                text, answer = self._filled(form, answer, question, cancelled)
            else:
                write = partial(self._write, cancelled=cancelled)
                text = written(form or Form({"type": "object"}), self.wanted.messages, write)
        except UnfilledError as error:
            yield Whole("", answer, refusal=str(error))
            return
        yield text
        yield Whole(text, answer)

    def _filled(
        self, form: Form | None, answer: Answer, question: Question, cancelled: Cancelled
    ) -> tuple[str, Answer]:
        self.model = answer.adapter
        if answer.refused and self.wanted.form:
            raise UnfilledError(answer.text)

        def ask(text: str) -> Answer:
            return self._answer(replace(question, text=text, history=()), cancelled)

        return filled(form or _ANY_OBJECT, answer, ask, partial(self._write, cancelled=cancelled))

    def _answer(self, question: Question, cancelled: Cancelled) -> Answer:
        """A finished answer; UnfilledError where the work was cancelled, which nobody hears."""
        events = self.session.ask(question, cancelled)
        found = [event.answer for event in events if isinstance(event, Finished)]
        if not found:
            raise UnfilledError("Cancelled.")
        return found[0]

    def _write(self, messages: Sequence[Message], schema: str, cancelled: Cancelled = never) -> str:
        task = replace(self._task(messages), schema=schema)
        try:
            return "".join(self.session.write(task, cancelled).pieces)
        except InputError:  # some servers take no schema
            return "".join(self.session.write(replace(task, schema=""), cancelled).pieces)

    def _within(self, text: str) -> str:
        """The longest beginning of a text that has no more tokens than are wanted."""
        most, count = self.wanted.most_tokens, self.session.count_tokens
        if most is None or count([text])[0] <= most:
            return text
        low, high = 0, len(text)
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if count([text[:middle]])[0] <= most else (low, middle)
        return text[:low].rstrip()

    def _until_stop(self, text: str) -> str:
        stop = StopFilter(self.wanted.asking.stop)
        return stop.push(text) + stop.rest()

    def _question(self) -> Question:
        asking = self.wanted.asking
        text, history = conversation_of(self.wanted.messages)
        return Question(
            text=text,
            collection=asking.collection or self._manner.collection,
            adapter=asking.model,
            history=history,
            limit=asking.limit.as_filter(),
            style=asking.style,
            reading=asking.reading,
            max_new_tokens=self.wanted.most_tokens,
            temperature=asking.temperature,
            top_p=asking.top_p,
            seed=asking.seed,
        )

    def _task(self, messages: Sequence[Message]) -> Task:
        asking = self.wanted.asking
        return Task(
            messages=tuple(messages),
            collection=asking.collection or self._manner.collection,
            adapter=asking.model,
            max_new_tokens=self.wanted.most_tokens,
            temperature=asking.temperature,
            top_p=asking.top_p,
            seed=asking.seed,
        )


def whole_of(parts: Sequence[Part]) -> Whole:
    """The finished reply among its parts; an empty one where the work was cancelled."""
    return next((part for part in reversed(parts) if isinstance(part, Whole)), Whole("", None))


def is_known(session: Session, name: str) -> bool:
    """Whether a question can name this model, adapter, or version of an adapter."""
    return name in session.adapters() or any(name == version.reference for version in session.versions())


def form_at(param: str, schema: Mapping[str, Any]) -> Form:
    """A schema as a form; FieldError, which names its place in the body, if it cannot be used."""
    try:
        return form_of(schema)
    except InputError as error:
        raise FieldError(param, error.cause, error.remedy) from error
