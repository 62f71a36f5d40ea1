"""One retraining on show: how far it is, its losses, its end; and the list of all to choose it from."""

from collections.abc import Callable, Sequence

import gradio as gr
from gradio.blocks import Block

from app.page.frame import Frame, clickable, detail, listen
from app.page.rendering.notices import failure
from app.page.rendering.retraining import curve, run, table
from app.page.texts import Texts
from app.page.wording import Updates, Values
from app.retraining.values import RunInfo
from knowledge_base.errors import DomainqaError

_SECONDS = 2.0  # between two looks at a run that goes on, while its tab is open
_ENOUGH = 2  # points that make a line
# Told apart on a light page and on a dark one.
_COLOURS = ("#0f9488", "#d97706")

Drawn = tuple[str, int]  # a run, and how many points of its curve
_NOTHING: Drawn = ("", 0)


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

    def refreshed(self, texts: Texts, chosen: str, is_open: bool) -> Updates:
        """Everything, drawn anew; it is looked at again by itself while it runs and its tab is open."""
        runs = self._frame.service.runs.list()
        info = shown_of(runs, chosen)
        if info is None:
            return {self.panel: "", self.list: table(runs, "", texts), self.timer: gr.Timer(active=False)}
        return {
            **self._shown(info, None, texts),
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
        outputs = [frame.notice, *self.outputs]
        listen(self.list.run, frame.guarded(self._choose), inputs, outputs)
        listen(self._stop.click, frame.guarded(self._halt), inputs, outputs)
        listen(self._continue.click, frame.guarded(self._go_on), inputs, outputs)

    def looked_at(self, values: Values) -> Updates | None:
        """What changed of the run on show since it was looked at last; None if it does not run any more."""
        texts = self._frame.texts(values)
        run_id, _ = drawn = values[self._drawn]
        try:
            info = self._frame.service.runs.get(run_id)
            if info.state != "running":
                return None
            return self._shown(info, drawn, texts)
        except DomainqaError as error:
            return {self._frame.notice: failure(error), self.timer: gr.Timer(active=False)}

    def _shown(self, info: RunInfo, drawn: Drawn | None, texts: Texts) -> Updates:
        """A run, and its curve if it has other points than were drawn last."""
        points = self._frame.service.runs.curve(info.id)
        shown: Updates = {
            self.panel: run(info, len(points) >= _ENOUGH, texts),
            self._stop: gr.update(visible=info.state == "running"),
            self._continue: gr.update(visible=info.state in ("waiting", "stopped", "failed")),
        }
        fresh = (info.id, len(points))
        if fresh == drawn:
            return shown
        return {**shown, self._drawn: fresh, self._plot: gr.update(value=curve(points, texts))}

    def _choose(self, values: Values, event: gr.EventData) -> Updates:
        return self.refreshed(self._frame.texts(values), detail(event, "run"), is_open=True)

    def _halt(self, values: Values) -> Updates:
        return self._after(self._frame.service.runs.stop, values)

    def _go_on(self, values: Values) -> Updates:
        return self._after(self._frame.service.runs.start, values)

    def _after(self, act: Callable[[str], None], values: Values) -> Updates:
        run_id, _ = values[self._drawn]
        act(run_id)
        return self.refreshed(self._frame.texts(values), run_id, is_open=True)


def shown_of(runs: Sequence[RunInfo], chosen: str) -> RunInfo | None:
    """The chosen run if it is there, or else the one that runs, or else the newest."""
    by_id = {info.id: info for info in runs}
    running = (info for info in runs if info.state == "running")
    return by_id.get(chosen) or next(running, None) or next(iter(runs), None)
