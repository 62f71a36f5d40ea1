"""Pairs to learn from: how many the chosen collection has, and adding a file of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Frame, listen
from app.page.markup import Markup
from app.page.rendering.notices import hint, working
from app.page.rendering.pairs import counts, imported
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.page.wording import Updates, Values, written
from app.retraining.files import SUFFIXES
from app.retraining.from_feedback import feedback_source
from app.retraining.pairs import Summary
from knowledge_base.errors import DomainqaError

Step = str | Summary


class PairsPart:
    """The stored pairs of the chosen collection."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        self._counts = gr.HTML(elem_id="dq-pair-counts", apply_default_css=False)
        self._files = make(
            gr.File,
            lambda t: {"label": t.pairs_upload},
            file_count="multiple",
            file_types=list(SUFFIXES),
            height=96,
            elem_id="dq-pairs-upload",
        )
        make(gr.HTML, lambda t: {"value": hint(t.pairs_hint)}, elem_id="dq-pairs-hint")
        self._result = gr.HTML(elem_id="dq-pairs-report", apply_default_css=False)

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._counts, self._result]

    def refreshed(self, texts: Texts, collection: str | None) -> Updates:
        """How many pairs the collection has, and no report of an upload."""
        return {**self.recounted(texts, collection), self._result: ""}

    def recounted(self, texts: Texts, collection: str | None) -> Updates:
        """How many pairs the collection has."""
        if collection is None:
            return {self._counts: ""}
        service = self._frame.service
        feedback = len(feedback_source(service.feedback_on(collection)).pairs)
        return {self._counts: counts(service.pairs.list(collection), feedback, texts)}

    def wire(self) -> None:
        """Bind the events."""
        frame = self._frame
        upload = frame.guarded_stream(self._upload, lambda: {self._files: None})
        listen(
            self._files.upload,
            upload,
            {frame.language, frame.collection, self._files},
            [frame.notice, self._files, *self.outputs],
            concurrency_limit=4,
        )

    def _upload(self, values: Values, request: gr.Request) -> Iterator[Updates]:
        texts, collection = self._frame.texts(values), written(values, self._frame.collection)
        files = [Path(file) for file in values[self._files] or ()]

        def work(emit: Emit[Step], _: Cancelled) -> None:
            for file in files:
                emit(texts.pairs_checking.format(name=file.name))
                emit(self._frame.service.pairs.import_file(collection, file))

        summaries: list[Summary] = []
        try:
            for batch in self._frame.runs.run(str(request.session_hash), work):
                summaries += [step for step in batch if isinstance(step, Summary)]
                under_way = batch[-1] if isinstance(batch[-1], str) else ""
                yield {
                    **self.recounted(texts, collection),
                    self._result: _told(summaries, texts) + (working(under_way) if under_way else ""),
                }
        except DomainqaError:
            yield {self._result: _told(summaries, texts)}
            raise


def _told(summaries: Sequence[Summary], texts: Texts) -> Markup:
    return imported(summaries, texts) if summaries else Markup("")
