"""The knowledge base: collections, the documents of the chosen one, and the passages of a document."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from app.page.frame import (
    Confirmation,
    Frame,
    Refresh,
    Updates,
    Values,
    clickable,
    detail,
    written,
)
from app.page.rendering.documents import passages, progress, report, summary, table
from app.page.rendering.notices import hint, success, working
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.session import Session
from app.workspace import CollectionInfo
from knowledge_base.ingest import Progress, Report

Step = Progress | Report | str


class Collections:
    """The upper part of the knowledge base."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        with gr.Row(elem_id="dq-manage"):
            self._summary = gr.HTML(elem_id="dq-summary", apply_default_css=False, min_width=200)
            self._name = make(
                gr.Textbox,
                lambda t: {"label": t.new_collection, "placeholder": t.new_collection},
                container=False,
                max_lines=1,
                elem_id="dq-collection-name",
                min_width=150,
                scale=0,
            )
            self._create = make(
                gr.Button, lambda t: {"value": t.create}, size="md", elem_id="dq-create", scale=0
            )
            self._delete = make(
                gr.Button, lambda t: {"value": t.delete_collection}, size="md", elem_id="dq-delete", scale=0
            )
        self._sure = Confirmation(frame.words, "dq-sure", lambda t: {"value": t.delete_collection})
        self._build_upload()

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._summary, self._delete, *self._sure.outputs]

    def refreshed(self, texts: Texts, info: CollectionInfo | None) -> Updates:
        """The chosen collection in one line, and nothing being asked."""
        return {
            self._summary: summary(info, texts) if info else "",
            self._delete: gr.update(interactive=info is not None),
            **self._sure.closed(),
        }

    def wire(self, refresh: Refresh) -> None:
        """Bind the events; `refresh` shows the page anew after a collection came, went or changed."""
        frame = self._frame
        context = {frame.language, frame.collection}
        for trigger in (self._create.click, self._name.submit):
            made = [frame.collection, self._name]
            refresh(frame.listen(trigger, self._create_collection, {*context, self._name}, made))
        asked = self._sure.outputs
        frame.listen(self._delete.click, self._ask_delete, context, asked)
        deleted = [*asked, frame.collection]
        refresh(frame.listen(self._sure.confirm.click, self._delete_collection, context, deleted))
        refresh(
            frame.listen_stream(
                self._files.upload,
                self._upload,
                {*context, self._files},
                [self._files, self._result],
                after=lambda: {self._files: None},
                concurrency_limit=4,
            )
        )

    def _build_upload(self) -> None:
        most = self._frame.max_megabytes
        self._files = self._frame.words.make(
            gr.File,
            lambda t: {"label": t.upload},
            file_count="multiple",
            height=110,
            elem_id="dq-upload",
        )
        self._frame.words.make(
            gr.HTML,
            lambda t: {"value": hint(t.upload_hint.format(megabytes=most))},
            apply_default_css=False,
            elem_id="dq-upload-hint",
        )
        self._result = gr.HTML(elem_id="dq-report", apply_default_css=False)

    def _create_collection(self, session: Session, values: Values) -> Updates:
        name = written(values, self._name).strip()
        session.create_collection(name)
        choices, _ = self._frame.collection_choices(session, name)
        created = success(self._frame.texts(values).created.format(name=name))
        return {**choices, self._name: "", self._frame.notice: created}

    def _ask_delete(self, session: Session, values: Values) -> Updates:
        texts = self._frame.texts(values)
        _, info = self._frame.collection_choices(session, values[self._frame.collection])
        if info is None:
            return {}
        return self._sure.asked(texts.delete_collection_sure.format(name=info.name, documents=info.documents))

    def _delete_collection(self, session: Session, values: Values) -> Updates:
        name = values[self._frame.collection]
        session.delete_collection(name)
        choices, _ = self._frame.collection_choices(session, None)
        deleted = success(self._frame.texts(values).deleted_collection.format(name=name))
        return {**choices, **self._sure.closed(), self._frame.notice: deleted}

    def _upload(self, session: Session, values: Values, request: gr.Request) -> Iterator[Updates]:
        texts = self._frame.texts(values)
        files = [Path(file) for file in values[self._files] or ()]
        yield {self._result: progress(0, len(files), texts)}

        def work(emit: Emit[Step], _: Cancelled) -> None:
            told = _Told(emit)
            emit(session.upload(files, written(values, self._frame.collection), progress=told))

        for batch in self._frame.runs.run(str(request.session_hash), work):
            yield {self._result: _latest(batch[-1], texts)}


class KnowledgeTab:
    """Builds the knowledge base inside the tab that is open, and answers its events."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        self._opened = gr.State("")
        with gr.Row(elem_id="dq-knowledge"):
            with gr.Column(scale=3, min_width=280):
                self._collections = Collections(frame)
                self._needle = make(
                    gr.Textbox,
                    lambda t: {"label": t.documents, "placeholder": t.filter_placeholder},
                    container=False,
                    max_lines=1,
                    elem_id="dq-filter",
                )
                self._table = clickable(elem_id="dq-documents")
            with gr.Column(scale=2, min_width=280, elem_id="dq-document-column"):
                self._document = clickable(elem_id="dq-document")
                self._delete = make(
                    gr.Button,
                    lambda t: {"value": t.delete_document},
                    visible=False,
                    size="sm",
                    elem_id="dq-delete-document",
                )
                self._sure = Confirmation(
                    frame.words, "dq-sure-document", lambda t: {"value": t.delete_document}
                )

    @property
    def inputs(self) -> list[Block]:
        """What `refreshed` reads."""
        return [self._needle]

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._table, *self._collections.outputs, *self._closed()]

    def refreshed(
        self, session: Session, texts: Texts, info: CollectionInfo | None, values: Values
    ) -> Updates:
        """The collection as it is now, with no document open."""
        return {
            **self._collections.refreshed(texts, info),
            **self._closed(),
            self._table: self._listed(
                session, texts, info.name if info else None, written(values, self._needle)
            ),
        }

    def wire(self, refresh: Refresh) -> None:
        """Bind the events; `refresh` shows the page anew after a document came or went."""
        frame = self._frame
        self._collections.wire(refresh)
        context = {frame.language, frame.collection, self._needle}
        frame.listen(self._needle.change, self._filter, context, [self._table], trigger_mode="always_last")
        document = list(self._closed())
        frame.listen(self._table.open, self._open, {frame.language}, document)
        frame.listen(self._document.close, self._close, {frame.language}, document)
        chosen = {*context, self._opened}
        frame.listen(self._delete.click, self._ask_delete, chosen, document)
        refresh(frame.listen(self._sure.confirm.click, self._delete_document, chosen, document))

    def _listed(self, session: Session, texts: Texts, collection: str | None, needle: str) -> str:
        return table(session.documents(collection), needle, collection, texts) if collection else ""

    def _closed(self) -> Updates:
        return {
            self._document: "",
            self._opened: "",
            self._delete: gr.update(visible=False),
            **self._sure.closed(),
        }

    def _close(self, session: Session, values: Values) -> Updates:
        return self._closed()

    def _filter(self, session: Session, values: Values) -> Updates:
        collection, needle = written(values, self._frame.collection), written(values, self._needle)
        return {self._table: self._listed(session, self._frame.texts(values), collection, needle)}

    def _open(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        path = detail(event, "document")
        document = session.document(detail(event, "collection"), path)
        return {
            **self._closed(),
            self._document: passages(document, self._frame.texts(values)),
            self._opened: path,
            self._delete: gr.update(visible=True),
        }

    def _ask_delete(self, session: Session, values: Values) -> Updates:
        texts = self._frame.texts(values)
        return self._sure.asked(texts.delete_document_sure.format(name=values[self._opened]))

    def _delete_document(self, session: Session, values: Values) -> Updates:
        path = values[self._opened]
        session.delete_document(values[self._frame.collection], path)
        deleted = success(self._frame.texts(values).deleted_document.format(name=path))
        return {**self._closed(), self._frame.notice: deleted}


class _Told:
    """Passes on how an upload goes."""

    def __init__(self, emit: Emit[Step]) -> None:
        self._emit = emit

    def __call__(self, progress: Progress, /) -> None:
        """Some file is read or stored."""
        self._emit(progress)

    def waiting(self, reason: str, /) -> None:
        """Somebody else is writing."""
        self._emit(reason)


def _latest(step: Step, texts: Texts) -> str:
    match step:
        case Progress():
            return progress(step.documents_done, step.documents_total, texts)
        case Report():
            return report(step, texts)
        case _:
            return working(step)
