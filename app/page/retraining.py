"""The form that starts a retraining on the chosen collection."""

from collections.abc import Mapping, Sequence

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Frame
from app.page.rendering.notices import hint
from app.page.texts import Texts
from app.page.wording import Updates, Values, written
from app.retraining.options import options_of
from app.retraining.values import RunInfo, RunRequest
from knowledge_base.errors import BusyError


class RetrainingForm:
    """What to learn from, and how; the caller binds `start`."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._usual = options_of({})
        make = frame.words.make
        with gr.Row(elem_id="dq-learn-from"):
            self._stored = make(gr.Checkbox, lambda t: {"label": t.learn_stored}, value=True, min_width=120)
            self._feedback = make(
                gr.Checkbox, lambda t: {"label": t.learn_feedback}, value=True, min_width=120
            )
        with make(gr.Accordion, lambda t: {"label": t.advanced}, open=False, elem_id="dq-advanced"):
            self._build_settings()
        self.start = make(
            gr.Button, lambda t: {"value": t.start_run}, variant="primary", elem_id="dq-start-run"
        )
        make(gr.HTML, lambda t: {"value": hint(t.retraining_hint)}, elem_id="dq-retraining-hint")

    @property
    def inputs(self) -> list[Block]:
        """What `begin` reads."""
        return [self._stored, self._feedback, self._generate, self._name, *self._numbers.values()]

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [self._name, self.start]

    def refreshed(self, collection: str | None) -> Updates:
        """The name that the adapter of a collection usually has."""
        return {
            self._name: gr.update(value="", placeholder=collection or ""),
            self.start: gr.update(interactive=collection is not None),
        }

    def begin(self, values: Values) -> RunInfo:
        """Start a retraining as the form says, and return it.

        Raises BusyError if another one is running, InputError for settings that do not fit.
        """
        runs = self._frame.service.runs
        require_idle(runs.list(), self._frame.texts(values))
        info = runs.create(self._request(values))
        runs.start(info.id)
        return runs.get(info.id)

    def _build_settings(self) -> None:
        make = self._frame.words.make
        self._name = make(
            gr.Textbox, lambda t: {"label": t.adapter_name}, max_lines=1, elem_id="dq-adapter-name"
        )
        with gr.Row():
            self._numbers: Mapping[str, gr.Number] = {
                "epochs": make(
                    gr.Number,
                    lambda t: {"label": t.epochs},
                    value=self._usual.epochs,
                    minimum=0,
                    min_width=90,
                ),
                "rank": make(
                    gr.Number,
                    lambda t: {"label": t.rank_of_adapter},
                    value=self._usual.rank,
                    precision=0,
                    minimum=1,
                    min_width=90,
                    elem_id="dq-rank",
                ),
                "learning_rate": make(
                    gr.Number,
                    lambda t: {"label": t.learning_rate},
                    value=self._usual.learning_rate,
                    minimum=0,
                    step=0.0001,
                    min_width=110,
                ),
            }
        self._generate = make(
            gr.Number, lambda t: {"label": t.write_questions}, value=0, precision=0, minimum=0
        )

    def _request(self, values: Values) -> RunRequest:
        collection = written(values, self._frame.collection)
        given = {name: values[field] for name, field in self._numbers.items()}
        return RunRequest(
            collection=collection,
            name=written(values, self._name).strip() or collection,
            stored=bool(values[self._stored]),
            feedback=bool(values[self._feedback]),
            generate=int(values[self._generate] or 0),
            settings={
                name: value
                for name, value in given.items()
                if value is not None and value != getattr(self._usual, name)
            },
        )


def require_idle(runs: Sequence[RunInfo], texts: Texts) -> None:
    """BusyError, in the words of the page, if one of them is running."""
    for info in runs:
        if info.state == "running":
            raise BusyError(texts.run_busy.format(name=info.name), texts.run_busy_remedy)
