"""The form in which a reader writes how an answer should have been."""

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Frame, detail, listen
from app.page.rendering.notices import success
from app.page.wording import Updates, Values, written


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
        listen(save.click, frame.guarded(self._save), inputs, [frame.notice, *self.outputs])
        listen(
            cancel.click,
            frame.guarded(self._cancel),
            {frame.language},
            [frame.notice, *self.outputs],
        )

    @property
    def outputs(self) -> list[Block]:
        """What `opened` and `closed` change."""
        return [self._group, self._answer, self._text, self._comment]

    def open(self, values: Values, event: gr.EventData) -> Updates:
        """Show the form for the answer whose button was clicked."""
        return self.opened(detail(event, "answer"))

    def opened(self, answer_id: str) -> Updates:
        """The empty form for an answer."""
        return {**self.closed(), self._group: gr.update(visible=True), self._answer: answer_id}

    def closed(self) -> Updates:
        """The form out of sight and empty."""
        return {self._group: gr.update(visible=False), self._answer: "", self._text: "", self._comment: ""}

    def _cancel(self, values: Values) -> Updates:
        return self.closed()

    def _save(self, values: Values) -> Updates:
        correction, comment = written(values, self._text), written(values, self._comment)
        self._frame.service.feedback(values[self._answer], "down", correction, comment)
        return {self._frame.notice: success(self._frame.texts(values).thanks), **self.closed()}
