"""The knowledge base: the chosen collection, its documents, and the passages of one."""

import gradio as gr
from gradio.blocks import Block

from app.page.collections import Collections
from app.page.confirmation import Confirmation
from app.page.frame import Frame, Refresh, clickable, detail, listen
from app.page.rendering.documents import passages, table
from app.page.rendering.notices import success
from app.page.texts import Texts
from app.page.wording import Updates, Values, written
from app.workspace import CollectionInfo


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
                self._sure = Confirmation(frame, "dq-sure-document", lambda t: {"value": t.delete_document})

    @property
    def inputs(self) -> list[Block]:
        """What `refreshed` reads."""
        return [self._needle]

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._table, *self._collections.outputs, *self._closed()]

    def refreshed(self, texts: Texts, info: CollectionInfo | None, values: Values) -> Updates:
        """The collection as it is now, with no document open."""
        return {
            **self._collections.refreshed(texts, info),
            **self._closed(),
            self._table: self._listed(texts, info.name if info else None, written(values, self._needle)),
        }

    def wire(self, refresh: Refresh) -> None:
        """Bind the events; `refresh` shows the page anew after a document came or went."""
        frame = self._frame
        self._collections.wire(refresh)
        context = {frame.language, frame.collection, self._needle}
        listen(
            self._needle.change,
            frame.guarded(self._filter),
            context,
            [frame.notice, self._table],
            trigger_mode="always_last",
        )
        document = [frame.notice, *self._closed()]
        listen(self._table.open, frame.guarded(self._open), {frame.language}, document)
        listen(self._document.close, frame.guarded(self._close), {frame.language}, document)
        chosen = {*context, self._opened}
        listen(self._delete.click, frame.guarded(self._ask_delete), chosen, document)
        refresh(listen(self._sure.confirm.click, frame.guarded(self._delete_document), chosen, document))

    def _listed(self, texts: Texts, collection: str | None, needle: str) -> str:
        return (
            table(self._frame.service.documents(collection), needle, collection, texts) if collection else ""
        )

    def _closed(self) -> Updates:
        return {
            self._document: "",
            self._opened: "",
            self._delete: gr.update(visible=False),
            **self._sure.closed(),
        }

    def _close(self, values: Values) -> Updates:
        return self._closed()

    def _filter(self, values: Values) -> Updates:
        collection, needle = written(values, self._frame.collection), written(values, self._needle)
        return {self._table: self._listed(self._frame.texts(values), collection, needle)}

    def _open(self, values: Values, event: gr.EventData) -> Updates:
        path = detail(event, "document")
        document = self._frame.service.document(detail(event, "collection"), path)
        return {
            **self._closed(),
            self._document: passages(document, self._frame.texts(values)),
            self._opened: path,
            self._delete: gr.update(visible=True),
        }

    def _ask_delete(self, values: Values) -> Updates:
        texts = self._frame.texts(values)
        return self._sure.asked(texts.delete_document_sure.format(name=values[self._opened]))

    def _delete_document(self, values: Values) -> Updates:
        path = values[self._opened]
        self._frame.service.delete_document(values[self._frame.collection], path)
        deleted = success(self._frame.texts(values).deleted_document.format(name=path))
        return {**self._closed(), self._frame.notice: deleted}
