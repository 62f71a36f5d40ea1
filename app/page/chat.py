"""The chat: questions, streamed answers and their sources."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import gradio as gr
from gradio.blocks import Block

from answering.values import Event, Question
from app.page.exchanges import Arriving, Exchange, packed, turns, unpacked, voted
from app.page.frame import Frame, Updates, Values, bind, chosen_of, clickable, detail, written
from app.page.markup import Markup
from app.page.rendering.answers import arriving, conversation, source_hint, welcome
from app.page.rendering.documents import in_place
from app.page.rendering.notices import success
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.session import Session
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

    def refreshed(
        self, session: Session, texts: Texts, info: CollectionInfo | None, values: Values
    ) -> Updates:
        """Everything that depends on the language, the collection and the conversation."""
        documents = info.documents if info else 0
        return {
            self._settled: _settled(unpacked(values[self.history]), texts, documents),
            self._source: source_hint(texts),
            **self._choices(session, texts, info.name if info else None, values),
        }

    def reconsidered(self, session: Session, values: Values) -> Updates:
        """The adapters that can be chosen now; another version may have become live.

        Nothing changes while the page is still loading: then no collection is chosen yet.
        """
        if collection := values[self._frame.collection]:
            return self._choices(session, self._frame.texts(values), collection, values)
        return {self._usual: values[self._usual]}

    def _choices(self, session: Session, texts: Texts, collection: str | None, values: Values) -> Updates:
        """What answers: the default of the collection, unless somebody chose something else."""
        choices = session.choices(collection)
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
        shown = [self._settled, self.history]
        asked = {frame.language, frame.collection, self.history, self._question, self._adapter, self._other}
        answered = [*shown, self._live, self._question]
        for trigger, handler in (
            (self._question.submit, self._ask),
            (self._send.click, self._ask),
            (self._settled.again, self._ask_again),
            (self._settled.example, self._ask_example),
        ):
            frame.listen_stream(
                trigger,
                handler,
                asked,
                answered,
                after=self._ready,
                concurrency_limit=_AT_ONCE,
                concurrency_id="ask",
            )
        bind(self._stop.click, self._halt, None, None, queue=False)
        context = {frame.language, frame.collection, self.history}
        anew = [*answered, self._source, *correction.outputs]
        frame.listen(self._new.click, self._start_anew, context, anew)
        for place in (self._settled, self._live):
            frame.listen(place.open, self._open, {frame.language}, [self._source])
        frame.listen(self._source.close, self._close, {frame.language}, [self._source])
        frame.listen(self._settled.vote, self._vote, context, [*shown, *correction.outputs])
        frame.listen(self._settled.correct, correction.open, {frame.language}, correction.outputs)

    # Asking

    def _ask(self, session: Session, values: Values, request: gr.Request) -> Iterator[Updates]:
        return self._answer(
            session, written(values, self._question), unpacked(values[self.history]), values, request
        )

    def _ask_again(self, session: Session, values: Values, request: gr.Request) -> Iterator[Updates]:
        exchanges = unpacked(values[self.history])
        if not exchanges:
            return iter(())
        return self._answer(session, exchanges[-1].question, exchanges[:-1], values, request)

    def _ask_example(
        self, session: Session, values: Values, event: gr.EventData, request: gr.Request
    ) -> Iterator[Updates]:
        return self._answer(session, detail(event, "text"), unpacked(values[self.history]), values, request)

    def _answer(
        self,
        session: Session,
        text: str,
        exchanges: tuple[Exchange, ...],
        values: Values,
        request: gr.Request,
    ) -> Iterator[Updates]:
        texts = self._frame.texts(values)
        collection, adapters = self._chosen(session, values)
        question = Question(text, collection, history=turns(exchanges, collection))
        answers = self._among_others([Arriving(name) for name in adapters], self._frame.runs.active)
        yield {
            self._settled: conversation(exchanges, texts),
            self._live: arriving(text, question.collection, answers, texts),
            self._question: "",
        }
        try:
            for answers in self._arrivals(session, question, adapters, str(request.session_hash)):
                yield {self._live: arriving(text, question.collection, answers, texts)}
        except DomainqaError:
            yield {self._question: text, self._settled: _settled(unpacked(values[self.history]), texts, 1)}
            raise
        complete = (*exchanges, Exchange(text, question.collection, tuple(a.shown() for a in answers)))
        yield {self._settled: conversation(complete, texts), self.history: packed(complete)}

    def _chosen(self, session: Session, values: Values) -> tuple[str, list[str]]:
        """The collection and the adapters; the usual ones while the page is loading and shows none yet."""
        collection = written(values, self._frame.collection)
        if not collection and (usual := chosen_of(session.collections(), None)):
            collection = usual.name
        adapters = [name for name in (values[self._adapter], values[self._other]) if name]
        return collection, adapters or [session.choices(collection)[0][1]]

    def _arrivals(
        self, session: Session, question: Question, adapters: Sequence[str], tab: str
    ) -> Iterator[list[Arriving]]:
        answers = [Arriving(name) for name in adapters]

        def work(emit: Emit[tuple[int, Event | None]], cancelled: Cancelled) -> None:
            for column, name in enumerate(adapters):
                emit((column, None))
                asked = replace(question, adapter=name)
                for event in session.ask(asked, cancelled):
                    emit((column, event))

        for batch in self._frame.runs.run(tab, work):
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

    def _start_anew(self, session: Session, values: Values, request: gr.Request) -> Updates:
        self._halt(request)
        texts = self._frame.texts(values)
        _, info = self._frame.collection_choices(session, values[self._frame.collection])
        return {
            **self._ready(),
            **self._correction.closed(),
            self._settled: welcome(texts, info.documents if info else 0),
            self._source: source_hint(texts),
            self._question: "",
            self.history: [],
        }

    # Looking closer

    def _open(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        collection = detail(event, "collection")
        document = session.document(collection, detail(event, "document"))
        start, end = detail(event, "start"), detail(event, "end")
        span = (int(start), int(end)) if start.isdecimal() and end.isdecimal() else None
        return {self._source: in_place(document, collection, span, self._frame.texts(values))}

    def _close(self, session: Session, values: Values) -> Updates:
        return {self._source: source_hint(self._frame.texts(values))}

    def _vote(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        texts = self._frame.texts(values)
        answer_id = detail(event, "answer")
        verdict: Literal["up", "down"] = "up" if detail(event, "verdict") == "up" else "down"
        session.feedback(answer_id, verdict)
        exchanges = voted(unpacked(values[self.history]), answer_id, verdict)
        return {
            self._settled: conversation(exchanges, texts),
            self.history: packed(exchanges),
            self._frame.notice: success(texts.thanks),
            **(self._correction.opened(answer_id) if verdict == "down" else self._correction.closed()),
        }


class Correction:
    """Hidden until an answer is to be corrected."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        self._answer = gr.State("")
        with gr.Column(visible=False, elem_id="dq-correction") as self._group:
            self._text = make(
                gr.Textbox,
                lambda t: {"label": t.correction, "placeholder": t.correction_placeholder},
                lines=2,
                max_lines=8,
                elem_id="dq-correction-text",
            )
            self._comment = make(gr.Textbox, lambda t: {"label": t.comment}, max_lines=3)
            with gr.Row(elem_classes="dq-buttons"):
                save = make(
                    gr.Button,
                    lambda t: {"value": t.save},
                    variant="primary",
                    size="sm",
                    elem_id="dq-correction-save",
                )
                cancel = make(gr.Button, lambda t: {"value": t.cancel}, size="sm")
        inputs = {frame.language, self._answer, self._text, self._comment}
        frame.listen(save.click, self._save, inputs, self.outputs)
        frame.listen(cancel.click, self._cancel, {frame.language}, self.outputs)

    @property
    def outputs(self) -> list[Block]:
        """What `opened` and `closed` change."""
        return [self._group, self._answer, self._text, self._comment]

    def open(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        """Show the form for the answer whose button was clicked."""
        return self.opened(detail(event, "answer"))

    def opened(self, answer_id: str) -> Updates:
        """The empty form for an answer."""
        return {**self.closed(), self._group: gr.update(visible=True), self._answer: answer_id}

    def closed(self) -> Updates:
        """The form out of sight and empty."""
        return {self._group: gr.update(visible=False), self._answer: "", self._text: "", self._comment: ""}

    def _cancel(self, session: Session, values: Values) -> Updates:
        return self.closed()

    def _save(self, session: Session, values: Values) -> Updates:
        correction, comment = written(values, self._text), written(values, self._comment)
        session.feedback(values[self._answer], "down", correction, comment)
        return {self._frame.notice: success(self._frame.texts(values).thanks), **self.closed()}


def _settled(exchanges: Sequence[Exchange], texts: Texts, documents: int) -> Markup:
    return conversation(exchanges, texts) if exchanges else welcome(texts, documents)
