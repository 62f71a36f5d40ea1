"""Collections: what the chosen one holds, making a new one, deleting one, adding files."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from app.page.confirmation import Confirmation
from app.page.frame import Frame, Refresh, listen
from app.page.rendering.documents import progress, report, summary
from app.page.rendering.notices import hint, success, working
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.page.wording import Updates, Values, written
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
        self._sure = Confirmation(frame, "dq-sure", lambda t: {"value": t.delete_collection})
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
            create = frame.guarded(self._create_collection)
            refresh(
                listen(trigger, create, {*context, self._name}, [frame.notice, frame.collection, self._name])
            )
        asked = [frame.notice, *self._sure.outputs]
        listen(self._delete.click, frame.guarded(self._ask_delete), context, asked)
        delete = frame.guarded(self._delete_collection)
        refresh(listen(self._sure.confirm.click, delete, context, [*asked, frame.collection]))
        upload = frame.guarded_stream(self._upload, lambda: {self._files: None})
        refresh(
            listen(
                self._files.upload,
                upload,
                {*context, self._files},
                [frame.notice, self._files, self._result],
                concurrency_limit=4,
            )
        )

    def _build_upload(self) -> None:
        limits = self._frame.limits
        formats = " ".join(suffix.removeprefix(".") for suffix in limits.suffixes)
        self._files = self._frame.words.make(
            gr.File,
            lambda t: {"label": t.upload},
            file_count="multiple",
            height=110,
            elem_id="dq-upload",
        )
        self._frame.words.make(
            gr.HTML,
            lambda t: {"value": hint(t.upload_hint.format(megabytes=limits.megabytes, formats=formats))},
            apply_default_css=False,
            elem_id="dq-upload-hint",
        )
        self._result = gr.HTML(elem_id="dq-report", apply_default_css=False)

    def _create_collection(self, values: Values) -> Updates:
        name = written(values, self._name).strip()
        self._frame.service.create_collection(name)
        choices, _ = self._frame.collection_choices(name)
        created = success(self._frame.texts(values).created.format(name=name))
        return {**choices, self._name: "", self._frame.notice: created}

    def _ask_delete(self, values: Values) -> Updates:
        texts = self._frame.texts(values)
        _, info = self._frame.collection_choices(values[self._frame.collection])
        if info is None:
            return {}
        return self._sure.asked(texts.delete_collection_sure.format(name=info.name, documents=info.documents))

    def _delete_collection(self, values: Values) -> Updates:
        name = values[self._frame.collection]
        self._frame.service.delete_collection(name)
        choices, _ = self._frame.collection_choices(None)
        deleted = success(self._frame.texts(values).deleted_collection.format(name=name))
        return {**choices, **self._sure.closed(), self._frame.notice: deleted}

    def _upload(self, values: Values, request: gr.Request) -> Iterator[Updates]:
        texts = self._frame.texts(values)
        files = [Path(file) for file in values[self._files] or ()]
        yield {self._result: progress(0, len(files), texts)}

        def work(emit: Emit[Step], _: Cancelled) -> None:
            told = _Told(emit)
            emit(self._frame.service.upload(files, written(values, self._frame.collection), progress=told))

        for batch in self._frame.runs.run(str(request.session_hash), work):
            yield {self._result: _latest(batch[-1], texts)}


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
