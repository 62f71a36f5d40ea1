"""The chat: questions, streamed answers and their sources."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import gradio as gr
from gradio.blocks import Block

from answering.styles import style_of
from answering.values import Event, Question
from app.page.correction import Correction
from app.page.exchanges import Arriving, Exchange, packed, turns, unpacked, voted
from app.page.frame import Frame, clickable, detail, listen
from app.page.markup import Markup
from app.page.rendering.answers import arriving, conversation, source_hint, welcome
from app.page.rendering.documents import in_place
from app.page.rendering.notices import success
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.page.versions import choices_of
from app.page.wording import Updates, Values, written
from app.workspace import CollectionInfo
from knowledge_base.errors import DomainqaError

_AT_ONCE = 64  # sessions that may wait for or receive an answer at the same time


class ChatTab:
    """Builds the chat inside the tab that is open, and answers its events."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.history = gr.BrowserState([], storage_key="domainqa-conversation")
        self._usual = gr.State("")  # what was the default when the choices were made
        with gr.Row(elem_id="dq-chat"):
            with gr.Column(elem_id="dq-conversation", scale=3, min_width=280):
                self._settled = clickable(elem_id="dq-settled")
                self._live = clickable(elem_id="dq-live")
                self._correction = Correction(frame)
                self._build_composer()
            with gr.Column(elem_id="dq-source-column", scale=2, min_width=280):
                self._source = clickable(elem_id="dq-source")
        self._wire()

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._settled, self._source, self._usual, self._adapter, self._other]

    def refreshed(self, texts: Texts, info: CollectionInfo | None, values: Values) -> Updates:
        """Everything that depends on the language, the collection and the conversation."""
        documents = info.documents if info else 0
        return {
            self._settled: _settled(unpacked(values[self.history]), texts, documents),
            self._source: source_hint(texts),
            **self._choices(texts, info.name if info else None, values),
        }

    def reconsidered(self, values: Values) -> Updates:
        """The adapters that can be chosen now; another version may have become live.

        Nothing changes while the page is still loading: then no collection is chosen yet.
        """
        if collection := values[self._frame.collection]:
            return self._choices(self._frame.texts(values), collection, values)
        return {self._usual: values[self._usual]}

    def _choices(self, texts: Texts, collection: str | None, values: Values) -> Updates:
        """What answers: the default of the collection, unless somebody chose something else."""
        choices = choices_of(self._frame.service, collection)
        names = [name for _, name in choices]
        usual = names[0]
        chosen, other = values[self._adapter], values[self._other]
        kept = chosen if chosen in names and chosen != values[self._usual] else usual
        others = [(texts.compare_off, ""), *choices]
        return {
            self._usual: usual,
            self._adapter: gr.update(choices=choices, value=kept),
            self._other: gr.update(
                choices=others, value=other if other in names else "", visible=len(names) > 1
            ),
        }

    @property
    def inputs(self) -> list[Block]:
        """What `refreshed` reads."""
        return [self.history, self._usual, self._adapter, self._other]

    def _build_composer(self) -> None:
        make = self._frame.words.make
        with gr.Column(elem_id="dq-composer"):
            with gr.Row(elem_id="dq-ask-row"):
                self._question = make(
                    gr.Textbox,
                    lambda t: {"label": t.ask, "placeholder": t.ask_placeholder},
                    show_label=False,
                    container=False,
                    max_lines=6,
                    elem_id="dq-question",
                    scale=8,
                )
                self._send = make(
                    gr.Button, lambda t: {"value": t.send}, variant="primary", elem_id="dq-send", scale=0
                )
                # Which of the two is seen follows from what is shown above them (style.css): an update of
                # whether they are visible was lost on a busy page now and then.
                self._stop = make(gr.Button, lambda t: {"value": t.stop}, elem_id="dq-stop", scale=0)
            with gr.Row(elem_id="dq-choices"):
                self._adapter = make(
                    gr.Dropdown,
                    lambda t: {"label": t.adapter},
                    choices=[],
                    elem_id="dq-adapter",
                    min_width=120,
                )
                self._other = make(
                    gr.Dropdown,
                    lambda t: {"label": t.compare},
                    choices=[("", "")],
                    value="",
                    visible=False,
                    elem_id="dq-compare",
                    min_width=120,
                )
                self._new = make(
                    gr.Button, lambda t: {"value": t.new_chat}, size="sm", elem_id="dq-new-chat", scale=0
                )

    def _wire(self) -> None:
        frame, correction = self._frame, self._correction
        shown = [frame.notice, self._settled, self.history]
        asked = {frame.language, frame.collection, self.history, self._question, self._adapter, self._other}
        answered = [*shown, self._live, self._question]
        for trigger, handler in (
            (self._question.submit, self._ask),
            (self._send.click, self._ask),
            (self._settled.again, self._ask_again),
            (self._settled.example, self._ask_example),
        ):
            safe = frame.guarded_stream(handler, self._ready)
            listen(trigger, safe, asked, answered, concurrency_limit=_AT_ONCE, concurrency_id="ask")
        listen(self._stop.click, self._halt, None, None, queue=False)
        context = {frame.language, frame.collection, self.history}
        anew = [*answered, self._source, *correction.outputs]
        listen(self._new.click, frame.guarded(self._start_anew), context, anew)
        for place in (self._settled, self._live):
            listen(place.open, frame.guarded(self._open), {frame.language}, [frame.notice, self._source])
        listen(self._source.close, frame.guarded(self._close), {frame.language}, [frame.notice, self._source])
        listen(self._settled.vote, frame.guarded(self._vote), context, [*shown, *correction.outputs])
        listen(
            self._settled.correct,
            frame.guarded(correction.open),
            {frame.language},
            [frame.notice, *correction.outputs],
        )

    # Asking

    def _ask(self, values: Values, request: gr.Request) -> Iterator[Updates]:
        return self._answer(written(values, self._question), unpacked(values[self.history]), values, request)

    def _ask_again(self, values: Values, request: gr.Request) -> Iterator[Updates]:
        exchanges = unpacked(values[self.history])
        if not exchanges:
            return iter(())
        return self._answer(exchanges[-1].question, exchanges[:-1], values, request)

    def _ask_example(self, values: Values, event: gr.EventData, request: gr.Request) -> Iterator[Updates]:
        return self._answer(detail(event, "text"), unpacked(values[self.history]), values, request)

    def _answer(
        self, text: str, exchanges: tuple[Exchange, ...], values: Values, request: gr.Request
    ) -> Iterator[Updates]:
        texts = self._frame.texts(values)
        question = Question(text, written(values, self._frame.collection))
        question = replace(question, history=turns(exchanges, question.collection))
        adapters = [name for name in (values[self._adapter], values[self._other]) if name]
        answers = self._among_others([Arriving(name) for name in adapters], self._frame.runs.active)
        yield {
            self._settled: conversation(exchanges, texts),
            self._live: arriving(text, question.collection, answers, texts),
            self._question: "",
        }
        try:
            for answers in self._arrivals(question, adapters, str(request.session_hash)):
                yield {self._live: arriving(text, question.collection, answers, texts)}
        except DomainqaError:
            yield {self._question: text, self._settled: _settled(unpacked(values[self.history]), texts, 1)}
            raise
        complete = (*exchanges, Exchange(text, question.collection, tuple(a.shown() for a in answers)))
        yield {self._settled: conversation(complete, texts), self.history: packed(complete)}

    def _arrivals(
        self, question: Question, adapters: Sequence[str], session: str
    ) -> Iterator[list[Arriving]]:
        answers = [Arriving(name) for name in adapters]

        def work(emit: Emit[tuple[int, Event | None]], cancelled: Cancelled) -> None:
            for column, name in enumerate(adapters):
                emit((column, None))
                asked = replace(question, adapter=name, style=style_of(name))
                for event in self._frame.service.ask(asked, cancelled):
                    emit((column, event))

        for batch in self._frame.runs.run(session, work):
            for column, event in batch:
                answers[column] = answers[column].after(event)
            yield self._among_others(answers, self._frame.runs.active - 1)

    @staticmethod
    def _among_others(answers: Sequence[Arriving], others: int) -> list[Arriving]:
        return [replace(answer, others=max(0, others)) for answer in answers]

    def _ready(self) -> Updates:
        return {self._live: ""}

    def _halt(self, request: gr.Request) -> None:
        self._frame.runs.stop(str(request.session_hash))

    def _start_anew(self, values: Values, request: gr.Request) -> Updates:
        self._halt(request)
        texts = self._frame.texts(values)
        _, info = self._frame.collection_choices(values[self._frame.collection])
        return {
            **self._ready(),
            **self._correction.closed(),
            self._settled: welcome(texts, info.documents if info else 0),
            self._source: source_hint(texts),
            self._question: "",
            self.history: [],
        }

    # Looking closer

    def _open(self, values: Values, event: gr.EventData) -> Updates:
        document = self._frame.service.document(detail(event, "collection"), detail(event, "document"))
        start, end = detail(event, "start"), detail(event, "end")
        span = (int(start), int(end)) if start.isdecimal() and end.isdecimal() else None
        return {self._source: in_place(document, span, self._frame.texts(values))}

    def _close(self, values: Values) -> Updates:
        return {self._source: source_hint(self._frame.texts(values))}

    def _vote(self, values: Values, event: gr.EventData) -> Updates:
        texts = self._frame.texts(values)
        answer_id = detail(event, "answer")
        verdict: Literal["up", "down"] = "up" if detail(event, "verdict") == "up" else "down"
        self._frame.service.feedback(answer_id, verdict)
        exchanges = voted(unpacked(values[self.history]), answer_id, verdict)
        return {
            self._settled: conversation(exchanges, texts),
            self.history: packed(exchanges),
            self._frame.notice: success(texts.thanks),
            **(self._correction.opened(answer_id) if verdict == "down" else self._correction.closed()),
        }


def _settled(exchanges: Sequence[Exchange], texts: Texts, documents: int) -> Markup:
    return conversation(exchanges, texts) if exchanges else welcome(texts, documents)
