"""The adapters: their versions, pairs to learn from, retraining, and what came of each run."""

import gradio as gr
from gradio.blocks import Block

from answering.references import parse_reference
from app.page.frame import Confirmation, Frame, Refresh, Updates, Values, Words, clickable, detail
from app.page.pairs import PairsPart
from app.page.rendering.adapters import sheet, table
from app.page.rendering.notices import hint, section, success
from app.page.reports import address_of_run, address_of_version
from app.page.retraining import RetrainingForm, RunView
from app.page.texts import Texts
from app.session import Session


class AdaptersTab:
    """Builds the tab that is open, and answers its events."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._open = gr.State(False)
        self._asked = gr.State("")
        self._sheet = clickable(elem_id="dq-sheet")
        with gr.Column(elem_id="dq-adapters"):
            self._run = RunView(frame)
            with gr.Row(elem_id="dq-loop"):
                with gr.Column(scale=3, min_width=280, elem_id="dq-made"):
                    self._build_versions()
                    self._heading(lambda t: {"value": section(t.runs)})
                    self._run.build_list()
                with gr.Column(scale=2, min_width=280, elem_id="dq-make"):
                    self._heading(lambda t: {"value": section(t.retraining)})
                    self._pairs = PairsPart(frame)
                    self._form = RetrainingForm(frame)

    @property
    def inputs(self) -> list[Block]:
        """What `refreshed` reads."""
        return [self._open, *self._run.inputs]

    @property
    def outputs(self) -> list[Block]:
        """What `refreshed` changes."""
        return [
            self._versions,
            *self._sure_of_promotion.outputs,
            *self._sure_of_return.outputs,
            *self._run.outputs,
            *self._pairs.outputs,
            *self._form.outputs,
        ]

    def refreshed(self, session: Session, texts: Texts, collection: str | None, values: Values) -> Updates:
        """The adapters, pairs and retrainings as they are now."""
        return {
            **self._listed(session, texts),
            **self._run.refreshed(session, texts, values[self._run.chosen], values[self._open]),
            **self._pairs.refreshed(session, texts, collection),
            **self._form.refreshed(collection),
        }

    def wire(self, refresh: Refresh) -> None:
        """Bind the events; `refresh` shows the page anew after another version became live."""
        frame = self._frame
        self._run.wire()
        self._pairs.wire()
        own = [*self._sure_of_promotion.outputs, *self._sure_of_return.outputs, self._asked]
        context = {frame.language, self._asked}
        frame.listen(self._versions.promote, self._ask_promote, context, own)
        frame.listen(self._versions.rollback, self._ask_return, context, own)
        for sure, act in (
            (self._sure_of_promotion, self._promote),
            (self._sure_of_return, self._return),
        ):
            refresh(frame.listen(sure.confirm.click, act, context, own))
        sheet_shown = [self._sheet]
        for place in (self._versions, self._run.panel, self._run.list):
            frame.listen(place.report, self._show_report, {frame.language}, sheet_shown)
        frame.listen(self._sheet.close, self._close_report, {frame.language}, sheet_shown)
        begin = {frame.language, frame.collection, *self._form.inputs}
        frame.listen(self._form.start.click, self._begin, begin, self._run.outputs)
        read = {frame.language, frame.collection, *self.inputs, *self._run.drawn}
        frame.listen(self._run.timer.tick, self._look, read, self.outputs, clear=False, trigger_mode="once")

    def _build_versions(self) -> None:
        self._heading(lambda t: {"value": section(t.adapters)})
        self._frame.words.make(gr.HTML, lambda t: {"value": hint(t.adapters_hint)}, apply_default_css=False)
        self._sure_of_promotion = Confirmation(
            self._frame.words, "dq-sure-promotion", lambda t: {"value": t.promote}
        )
        self._sure_of_return = Confirmation(
            self._frame.words, "dq-sure-return", lambda t: {"value": t.roll_back}
        )
        self._versions = clickable(elem_id="dq-versions")

    def _heading(self, words: Words) -> None:
        self._frame.words.make(gr.HTML, words, apply_default_css=False)

    @property
    def captions(self) -> list[Block]:
        """What `captioned` changes."""
        return self._run.captions

    def captioned(self, values: Values) -> Updates:
        """What must be written after everything else is in another language; see `RunView.captioned`."""
        return self._run.captioned(values)

    # Coming and going

    @property
    def visited(self) -> list[Block]:
        """What `entered` and `left` change."""
        return [self._open, *self.outputs]

    def entered(self, session: Session, values: Values) -> Updates:
        """Somebody looks: everything as it is now, and again while a run goes on."""
        texts = self._frame.texts(values)
        _, info = self._frame.collection_choices(session, values[self._frame.collection])
        shown = self.refreshed(session, texts, info.name if info else None, {**values, self._open: True})
        return {**shown, self._open: True}

    def left(self, session: Session, values: Values) -> Updates:
        """Nobody looks: nothing is asked again and again."""
        return {self._open: False, self._run.timer: gr.Timer(active=False)}

    def _look(self, session: Session, values: Values) -> Updates:
        changed = self._run.looked_at(session, values)
        if changed is not None:
            return changed
        texts, collection = self._frame.texts(values), values[self._frame.collection]
        return {
            **self._listed(session, texts),
            **self._run.refreshed(session, texts, values[self._run.chosen], is_open=True),
            **self._pairs.recounted(session, texts, collection),
        }

    # Versions

    def _listed(self, session: Session, texts: Texts) -> Updates:
        return {
            **self._sure_of_promotion.closed(),
            **self._sure_of_return.closed(),
            self._versions: table(session.versions(), texts),
        }

    def _ask_promote(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        texts, reference = self._frame.texts(values), detail(event, "adapter")
        name = parse_reference(reference).name
        live = session.aliases(name).live
        before = _answering(name, live, texts)
        asked = texts.promote_sure.format(name=reference, live=before)
        return {
            **self._sure_of_return.closed(),
            **self._sure_of_promotion.asked(asked),
            self._asked: reference,
        }

    def _ask_return(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        texts, reference = self._frame.texts(values), detail(event, "adapter")
        name = parse_reference(reference).name
        previous = session.aliases(name).previous
        before = _answering(name, previous, texts)
        return {
            **self._sure_of_promotion.closed(),
            **self._sure_of_return.asked(texts.roll_back_sure.format(name=reference, previous=before)),
            self._asked: reference,
        }

    def _promote(self, session: Session, values: Values) -> Updates:
        texts, reference = self._frame.texts(values), parse_reference(values[self._asked])
        if isinstance(reference.version, int):
            session.promote(reference.name, reference.version)
        done = success(texts.promoted.format(name=reference))
        return {**self._sure_of_promotion.closed(), self._frame.notice: done}

    def _return(self, session: Session, values: Values) -> Updates:
        texts, reference = self._frame.texts(values), parse_reference(values[self._asked])
        live = session.roll_back(reference.name).live
        answering = _answering(reference.name, live, texts)
        done = success(texts.rolled_back.format(name=answering))
        return {**self._sure_of_return.closed(), self._frame.notice: done}

    # Retrainings

    def _begin(self, session: Session, values: Values) -> Updates:
        texts = self._frame.texts(values)
        info = self._form.begin(session, values)
        shown = self._run.refreshed(session, texts, info.id, is_open=True)
        return {**shown, self._frame.notice: success(texts.run_started)}

    def _show_report(self, session: Session, values: Values, event: gr.EventData) -> Updates:
        name, of_run = detail(event, "name"), detail(event, "kind") == "run"
        address = address_of_run(name) if of_run else address_of_version(name)
        texts = self._frame.texts(values)
        return {self._sheet: sheet(texts.report_of.format(name=name), address, texts)}

    def _close_report(self, session: Session, values: Values) -> Updates:
        return {self._sheet: ""}


def _answering(name: str, version: int | None, texts: Texts) -> str:
    """Who answers where this version of an adapter is live, or none of its versions."""
    return f"{name}@{version}" if version else texts.default_model
