"""Asks before something is deleted."""

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Frame, listen
from app.page.rendering.notices import question
from app.page.wording import Updates, Words


class Confirmation:
    """A question with two buttons, hidden until it is asked; the caller binds `confirm`."""

    def __init__(self, frame: Frame, elem_id: str, label: Words) -> None:
        make = frame.words.make
        with gr.Column(visible=False, elem_id=elem_id, elem_classes="dq-confirmation") as self._group:
            self._question = gr.HTML(apply_default_css=False)
            with gr.Row(elem_classes="dq-buttons"):
                self.confirm = make(gr.Button, label, variant="stop", size="sm", elem_classes="dq-confirm")
                cancel = make(gr.Button, lambda t: {"value": t.cancel}, size="sm")
        listen(cancel.click, self.closed, None, self.outputs)

    @property
    def outputs(self) -> list[Block]:
        """What `asked` and `closed` change."""
        return [self._group, self._question]

    def asked(self, text: str) -> Updates:
        """The question on show."""
        return {self._group: gr.update(visible=True), self._question: question(text)}

    def closed(self) -> Updates:
        """The question out of sight."""
        return {self._group: gr.update(visible=False), self._question: ""}
