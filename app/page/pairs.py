"""Pairs to learn from: what the chosen collection has, adding a file of them, removing one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Confirmation, Frame, Updates, Values, clickable, detail, written
from app.page.markup import Markup
from app.page.rendering.notices import hint, success, working
from app.page.rendering.pairs import counts, imported
from app.page.runs import Cancelled, Emit
from app.page.texts import Texts
from app.session import Session
from finetune.pairs.feedback import feedback_source
from finetune.pairs.store import SUFFIXES, Summary
from knowledge_base.errors import DomainqaError

Step = str | Summary
Asked = tuple[str, str]  # a collection, and the name of one of its files
_NOTHING: Asked = ("", "")


class PairsPart:
    """The stored pairs of the chosen collection."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        self._asked = gr.State(_NOTHING)
        self._counts = clickable(elem_id="dq-pair-counts")
        self._sure = Confirmation(frame.words, "dq-sure-pairs", lambda t: {"value": t.pairs_remove})
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
        return [self._counts, self._result, *self._sure.outputs]

    def refreshed(self, session: Session, texts: Texts, collection: str | None) -> Updates:
        """The pairs of the collection, no report of an upload, and no question."""
        return {**self.recounted(session, texts, collection), self._result: "", **self._sure.closed()}

    def recounted(self, session: Session, texts: Texts, collection: str | None) -> Updates:
        """How many pairs the collection has, and in which files."""
        if collection is None:
            return {self._counts: ""}
        feedback = len(feedback_source(session.feedback_on(collection)).pairs)
        return {self._counts: counts(session.pairs(collection), feedback, collection, texts)}

    def wire(self) -> None:
        """Bind the events."""
        frame = self._frame
        frame.listen_stream(
            self._files.upload,
            self._upload,
            {frame.language, frame.collection, self._files},
            [self._files, *self.outputs],
            after=lambda: {self._files: None},
            concurrency_limit=4,
        )
        context = {frame.language, frame.collection, self._asked}
        changed = [self._asked, *self.outputs]
        frame.listen(self._counts.remove, self._ask_remove, context, changed)
        frame.listen(self._sure.confirm.click, self._remove, context, changed)

    def _ask_remove(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        name = detail(event, "pairs")
        question = self._frame.texts(values).pairs_remove_sure.format(name=name)
        return {self._asked: (detail(event, "collection"), name), **self._sure.asked(question)}

    def _remove(self, session: Session, values: Values) -> Updates:
        texts, (collection, name) = self._frame.texts(values), values[self._asked]
        session.remove_pairs(collection, name)
        done = success(texts.pairs_removed.format(name=name))
        return {
            **self.refreshed(session, texts, written(values, self._frame.collection)),
            self._frame.notice: done,
        }

    def _upload(self, session: Session, values: Values, request: gr.Request) -> Iterator[Updates]:
        texts, collection = self._frame.texts(values), written(values, self._frame.collection)
        files = [Path(file) for file in values[self._files] or ()]

        def work(emit: Emit[Step], _: Cancelled) -> None:
            for file in files:
                emit(texts.pairs_checking.format(name=file.name))
                emit(session.import_pairs(collection, file))

        summaries: list[Summary] = []
        try:
            for batch in self._frame.runs.run(str(request.session_hash), work):
                summaries += [step for step in batch if isinstance(step, Summary)]
                under_way = batch[-1] if isinstance(batch[-1], str) else ""
                yield {
                    **self.recounted(session, texts, collection),
                    self._result: _told(summaries, texts) + (working(under_way) if under_way else ""),
                }
        except DomainqaError:
            yield {self._result: _told(summaries, texts)}
            raise


def _told(summaries: Sequence[Summary], texts: Texts) -> Markup:
    return imported(summaries, texts) if summaries else Markup("")
