"""The retrieval page: how each retriever ranks the passages for a query, and what the model would read."""

from collections.abc import Iterator

import gradio as gr
from gradio.blocks import Block

from answering.values import Event, Finished, Question
from app.page.frame import Frame, Updates, Values, written
from app.page.rendering.documents import is_date
from app.page.rendering.notices import hint, working
from app.page.rendering.search import reading, results
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.session import Session
from app.workspace import CollectionInfo
from knowledge_base.errors import InputError
from retrieval.values import Filter


class SearchTab:
    """Builds the retrieval page inside the tab that is open, and answers its events."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        with gr.Column(elem_id="dq-retrieval"):
            with gr.Row(elem_id="dq-query-row"):
                self._query = make(
                    gr.Textbox,
                    lambda t: {"label": t.query, "placeholder": t.query_placeholder},
                    max_lines=3,
                    elem_id="dq-query",
                    scale=6,
                )
                self._count = make(
                    gr.Slider,
                    lambda t: {"label": t.count},
                    minimum=1,
                    maximum=50,
                    step=1,
                    value=10,
                    elem_id="dq-count",
                    scale=2,
                )
            self._build_filters()
            with gr.Row(elem_classes="dq-buttons", elem_id="dq-search-row"):
                self._search = make(
                    gr.Button, lambda t: {"value": t.search}, variant="primary", elem_id="dq-search", scale=0
                )
                self._show = make(
                    gr.Button, lambda t: {"value": t.show_prompt}, elem_id="dq-show-prompt", scale=0
                )
            self._results = gr.HTML(elem_id="dq-results", apply_default_css=False)
            self._reading = gr.HTML(elem_id="dq-reading", apply_default_css=False)
        self._wire()

    @property
    def inputs(self) -> list[Block]:
        """What `refreshed` reads: nothing."""
        return []

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._documents, self._formats, self._results, self._reading]

    def refreshed(self, session: Session, texts: Texts, info: CollectionInfo | None) -> Updates:
        """The filters that the collection allows, and no results."""
        entries = session.documents(info.name) if info else ()
        return {
            self._documents: gr.update(choices=[entry.path for entry in entries], value=[]),
            self._formats: gr.update(choices=sorted({entry.format for entry in entries}), value=[]),
            self._results: hint(texts.search_hint),
            self._reading: "",
        }

    def _build_filters(self) -> None:
        make = self._frame.words.make
        with make(gr.Accordion, lambda t: {"label": t.filters}, open=False, elem_id="dq-filters"):
            self._documents = make(
                gr.Dropdown, lambda t: {"label": t.only_documents}, choices=[], multiselect=True
            )
            with gr.Row():
                self._folder = make(
                    gr.Textbox,
                    lambda t: {"label": t.folder, "placeholder": t.folder_placeholder},
                    max_lines=1,
                )
                self._formats = make(
                    gr.Dropdown,
                    lambda t: {"label": t.formats},
                    choices=[],
                    multiselect=True,
                    elem_id="dq-formats",
                )
            with gr.Row():
                self._after = make(
                    gr.Textbox,
                    lambda t: {"label": t.after, "placeholder": t.date_placeholder},
                    max_lines=1,
                    elem_id="dq-after",
                )
                self._before = make(
                    gr.Textbox, lambda t: {"label": t.before, "placeholder": t.date_placeholder}, max_lines=1
                )

    def _wire(self) -> None:
        frame = self._frame
        filters = {self._documents, self._folder, self._formats, self._after, self._before}
        inputs = {frame.language, frame.collection, self._query, self._count, *filters}
        outputs = [self._results, self._reading]
        for trigger in (self._search.click, self._query.submit):
            frame.listen(trigger, self._find, inputs, outputs)
        frame.listen_stream(self._show.click, self._read, inputs, outputs, concurrency_limit=4)

    def _find(self, session: Session, values: Values) -> Updates:
        texts = self._frame.texts(values)
        limit = self._limit(values, texts)
        collection = written(values, self._frame.collection)
        found = session.search(
            [written(values, self._query)], collection, k=int(values[self._count]), limit=limit
        )
        return {self._results: results(found[0], texts), self._reading: ""}

    def _read(self, session: Session, values: Values, request: gr.Request) -> Iterator[Updates]:
        texts = self._frame.texts(values)
        yield {**self._find(session, values), self._reading: working(texts.searching)}
        query, collection = written(values, self._query), written(values, self._frame.collection)
        question = Question(query, collection, limit=self._limit(values, texts))

        def work(emit: Emit[Event], cancelled: Cancelled) -> None:
            for event in session.ask(question, cancelled):
                emit(event)

        for batch in self._frame.runs.run(str(request.session_hash), work):
            if isinstance(batch[-1], Finished):
                yield {self._reading: reading(batch[-1].answer, texts)}

    def _limit(self, values: Values, texts: Texts) -> Filter:
        return Filter(
            documents=frozenset(values[self._documents] or ()),
            folder=written(values, self._folder).strip().strip("/"),
            formats=frozenset(values[self._formats] or ()),
            after=_date(written(values, self._after), texts),
            before=_date(written(values, self._before), texts),
        )


def _date(text: str, texts: Texts) -> str:
    """A date as filters take it, or "" for none; InputError for anything else."""
    value = text.strip()
    if value and not is_date(value):
        raise InputError(texts.bad_date.format(value=value), texts.bad_date_remedy)
    return value
