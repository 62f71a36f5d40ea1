"""Retrainings: the form that starts one, the one on show with its losses, and the list of all."""

from collections.abc import Callable, Mapping, Sequence

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Frame, Updates, Values, clickable, detail, written
from app.page.rendering.notices import failure, hint
from app.page.rendering.retraining import curve, run, table
from app.page.texts import Texts
from app.session import Session
from finetune.retrain.runs import RunInfo, RunRequest
from finetune.settings import RetrainSettings
from knowledge_base.errors import BusyError, DomainqaError

_SECONDS = 2.0  # between two looks at a run that goes on, while its tab is open
_ENOUGH = 2  # points that make a line
# Told apart on a light page and on a dark one.
_COLOURS = ("#0f9488", "#d97706")

Drawn = tuple[str, int]  # a run, and how many points of its curve
_NOTHING: Drawn = ("", 0)


class RetrainingForm:
    """What to learn from, and how; the caller binds `start`."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._usual = RetrainSettings()
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

    def begin(self, session: Session, values: Values) -> RunInfo:
        """Start a retraining as the form says, and return it.

        Raises BusyError if another one is running, InputError for settings that do not fit.
        """
        require_idle(session.retrainings(), self._frame.texts(values))
        return session.start_retraining(self._request(values))

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


class RunView:
    """The retraining on show. `chosen` is its id; "" shows the one that runs, or else the newest.

    What is not to be seen is hidden by the style sheet and not taken away, since Gradio may still be drawing
    its plot.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        make = frame.words.make
        self.chosen = gr.State("")
        self._drawn = gr.State(_NOTHING)
        self.timer = gr.Timer(_SECONDS, active=False)
        with gr.Row(elem_id="dq-run-row"):
            with gr.Column(scale=3, min_width=280):
                self.panel = clickable(elem_id="dq-run")
                with gr.Row(elem_classes="dq-buttons"):
                    self._stop = make(
                        gr.Button, lambda t: {"value": t.stop_run}, size="sm", elem_id="dq-stop-run"
                    )
                    self._continue = make(
                        gr.Button, lambda t: {"value": t.continue_run}, size="sm", elem_id="dq-continue-run"
                    )
            with gr.Column(scale=2, min_width=280, elem_id="dq-curve"):
                self._plot = make(
                    gr.LinePlot,
                    lambda t: {
                        "x_title": t.loss_step,
                        "y_title": t.loss,
                        "color_title": t.loss_series,
                        "color_map": dict(zip((t.loss_training, t.loss_held_back), _COLOURS, strict=True)),
                    },
                    x="step",
                    y="loss",
                    color="line",
                    height=290,
                    elem_id="dq-loss",
                )

    def build_list(self) -> None:
        """Make the list of all retrainings, where the caller wants it."""
        self.list = clickable(elem_id="dq-runs")

    @property
    def inputs(self) -> list[Block]:
        """What `refreshed` reads."""
        return [self.chosen]

    @property
    def drawn(self) -> list[Block]:
        """What `looked_at` reads."""
        return [self._drawn]

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [
            self.chosen,
            self._drawn,
            self.panel,
            self._stop,
            self._continue,
            self._plot,
            self.timer,
            self.list,
        ]

    def refreshed(self, session: Session, texts: Texts, chosen: str, is_open: bool) -> Updates:
        """Everything, drawn anew; it is looked at again by itself while it runs and its tab is open."""
        runs = session.retrainings()
        info = shown_of(runs, chosen)
        if info is None:
            return {self.panel: "", self.list: table(runs, "", texts), self.timer: gr.Timer(active=False)}
        return {
            **self._shown(session, info, None, texts),
            self.chosen: chosen,
            self.timer: gr.Timer(active=is_open and info.state == "running"),
            self.list: table(runs, info.id, texts),
        }

    @property
    def captions(self) -> list[Block]:
        """What `captioned` changes."""
        return [self._plot]

    def captioned(self, values: Values) -> Updates:
        """The curve with its caption, which must come after the words and losses.

        Gradio writes the names of the lines anew only when something else than the losses has changed.
        """
        return {self._plot: gr.update(caption=self._frame.texts(values).loss_caption)}

    def wire(self) -> None:
        """Bind what concerns only the run on show."""
        frame = self._frame
        inputs = {frame.language, *self.drawn}
        outputs = self.outputs
        frame.listen(self.list.run, self._choose, inputs, outputs)
        frame.listen(self._stop.click, self._halt, inputs, outputs)
        frame.listen(self._continue.click, self._go_on, inputs, outputs)

    def looked_at(self, session: Session, values: Values) -> Updates | None:
        """What changed of the run on show since it was looked at last; None if it does not run any more."""
        texts = self._frame.texts(values)
        run_id, _ = drawn = values[self._drawn]
        try:
            info = session.retraining(run_id)
            if info.state != "running":
                return None
            return self._shown(session, info, drawn, texts)
        except DomainqaError as error:
            return {self._frame.notice: failure(error), self.timer: gr.Timer(active=False)}

    def _shown(self, session: Session, info: RunInfo, drawn: Drawn | None, texts: Texts) -> Updates:
        """A run, and its curve if it has other points than were drawn last."""
        points = session.losses(info.id)
        shown: Updates = {
            self.panel: run(info, len(points) >= _ENOUGH, texts),
            self._stop: gr.update(visible=info.state == "running"),
            self._continue: gr.update(visible=info.state in ("waiting", "stopped", "failed")),
        }
        fresh = (info.id, len(points))
        if fresh == drawn:
            return shown
        return {**shown, self._drawn: fresh, self._plot: gr.update(value=curve(points, texts))}

    def _choose(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        return self.refreshed(session, self._frame.texts(values), detail(event, "run"), is_open=True)

    def _halt(self, session: Session, values: Values) -> Updates:
        return self._after(session, session.stop_retraining, values)

    def _go_on(self, session: Session, values: Values) -> Updates:
        return self._after(session, session.continue_retraining, values)

    def _after(self, session: Session, act: Callable[[str], None], values: Values) -> Updates:
        run_id, _ = values[self._drawn]
        act(run_id)
        return self.refreshed(session, self._frame.texts(values), run_id, is_open=True)


def shown_of(runs: Sequence[RunInfo], chosen: str) -> RunInfo | None:
    """The chosen run if it is there, or else the one that runs, or else the newest."""
    by_id = {info.id: info for info in runs}
    running = (info for info in runs if info.state == "running")
    return by_id.get(chosen) or next(running, None) or next(iter(runs), None)
