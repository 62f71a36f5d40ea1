"""The page as a whole: its head, its four tabs, and what a change of language or collection does to all."""

from collections.abc import Sequence

import gradio as gr
from gradio.events import Dependency

from app.page.adapters import AdaptersTab
from app.page.chat import ChatTab
from app.page.frame import Frame, Updates, Values, Wording, bind, merged
from app.page.knowledge import KnowledgeTab
from app.page.rendering.login import account
from app.page.rendering.notices import page_title, theme_button
from app.page.runs import Runs
from app.page.search import SearchTab
from app.page.texts import LANGUAGES, texts_of
from app.session import Session
from app.workspace import Workspace

# The language that was chosen here before, else the one the program is set to, else the browser's. Gradio
# passes inputs in the order in which they were made: first what was chosen, then the switch itself.
_PICK_LANGUAGE = """(chosen, current, ...rest) => {
  const browser = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  const language = chosen || FIXED || browser;
  document.documentElement.lang = language;
  return [chosen, language, ...rest];
}"""
_TELL_LANGUAGE = """(chosen, current, ...rest) => {
  document.documentElement.lang = current;
  return [chosen, current, ...rest];
}"""


class Page:
    """The Gradio page over a workspace.

    Args:
        workspace: what the page shows and calls, through the session of whoever sent an event.
        runs: where its work goes on.
        max_megabytes: of one uploaded file.
        language: "en", "zh", or "auto" for the browser's.
    """

    def __init__(self, workspace: Workspace, runs: Runs, max_megabytes: int, language: str) -> None:
        self._runs = runs
        words = Wording(texts_of(language))
        with gr.Blocks(
            title="domainqa", analytics_enabled=False, fill_width=True, delete_cache=(600, 600)
        ) as blocks:
            self._chosen = gr.BrowserState("", storage_key="domainqa-language")
            self._frame = self._build_frame(workspace, max_megabytes, words)
            with gr.Tabs(elem_id="dq-tabs", overflow_behavior="wrap"):
                with words.make(gr.Tab, lambda t: {"label": t.chat}, id="chat") as chat:
                    self._chat = ChatTab(self._frame)
                with words.make(gr.Tab, lambda t: {"label": t.knowledge}, id="knowledge") as knowledge:
                    self._knowledge = KnowledgeTab(self._frame)
                with words.make(gr.Tab, lambda t: {"label": t.retrieval}, id="retrieval") as retrieval:
                    self._search = SearchTab(self._frame)
                with words.make(
                    gr.Tab, lambda t: {"label": t.adapters}, id="adapters", elem_id="dq-adapters-tab"
                ) as adapters:
                    self._adapters = AdaptersTab(self._frame)
            self._wire(blocks, "" if language == "auto" else language)
            self._wire_visits(adapters, (chat, knowledge, retrieval))
        self.blocks = blocks

    def _build_frame(self, workspace: Workspace, max_megabytes: int, words: Wording) -> Frame:
        language = words.make(
            gr.Radio,
            lambda t: {"label": t.page_language},
            choices=list(LANGUAGES),
            value=words.initial.language,
            show_label=False,
            container=False,
            elem_id="dq-language",
            scale=0,
            min_width=150,
            render=False,
        )
        plain = {"apply_default_css": False}
        with gr.Row(elem_id="dq-head"):
            words.make(gr.HTML, lambda t: {"value": page_title(t)}, elem_id="dq-brand", **plain)
            collection = words.make(
                gr.Dropdown,
                lambda t: {"label": t.collection},
                choices=[],
                container=False,
                elem_id="dq-collection",
                scale=0,
                min_width=200,
            )
            language.render()  # type: ignore[no-untyped-call]
            words.make(gr.HTML, lambda t: {"value": theme_button(t)}, elem_id="dq-theme", **plain)
            self._account = gr.HTML(elem_id="dq-account", apply_default_css=False)
        notice = gr.HTML(elem_id="dq-notice", apply_default_css=False)
        return Frame(workspace, self._runs, max_megabytes, words, language, collection, notice)

    def _wire(self, blocks: gr.Blocks, fixed: str) -> None:
        frame = self._frame
        tabs = (self._chat, self._knowledge, self._search, self._adapters)
        read = {
            self._chosen,
            frame.language,
            frame.collection,
            *(part for tab in tabs for part in tab.inputs),
        }
        shown = [frame.collection, *(part for tab in tabs for part in tab.outputs)]
        spoken = [self._chosen, self._account, frame.language, *frame.words.components, *shown]
        pick = _PICK_LANGUAGE.replace("FIXED", repr(fixed))
        loaded = frame.listen(blocks.load, self._speak, read, spoken, js=pick)
        switched = frame.listen(frame.language.input, self._switch, read, spoken, js=_TELL_LANGUAGE)
        for step in (loaded, switched):
            bind(step.then, self._adapters.captioned, {frame.language}, self._adapters.captions)
        frame.listen(frame.collection.input, self._show, read, shown)
        blocks.unload(self._leave)

        def show_again(step: Dependency) -> Dependency:
            return frame.listen(step.then, self._show, read, shown, clear=False)

        self._knowledge.wire(show_again)
        self._adapters.wire(show_again)

    def _wire_visits(self, adapters: gr.Tab, others: Sequence[gr.Tab]) -> None:
        """What a tab shows may have changed since it was seen last; what nobody sees asks for nothing."""
        frame, chat, tab = self._frame, self._chat, self._adapters
        context = {frame.language, frame.collection}
        frame.listen(adapters.select, tab.entered, {*context, *tab.inputs}, tab.visited, clear=False)
        for other in others:
            frame.listen(other.select, tab.left, context, tab.visited, clear=False)
        known = {*context, *chat.inputs}
        frame.listen(others[0].select, chat.reconsidered, known, chat.outputs, clear=False)

    def _show(self, session: Session, values: Values) -> Updates:
        """Everything that depends on the collections and the chosen one."""
        texts = self._frame.texts(values)
        choices, info = self._frame.collection_choices(session, values[self._frame.collection])
        return {
            **choices,
            **self._chat.refreshed(session, texts, info, values),
            **self._knowledge.refreshed(session, texts, info, values),
            **self._search.refreshed(session, texts, info),
            **self._adapters.refreshed(session, texts, info.name if info else None, values),
        }

    def _speak(self, session: Session, values: Values) -> Updates:
        """The whole page in its language."""
        words = self._frame.words.updates(self._frame.texts(values))
        chosen: Updates = {
            self._frame.language: gr.update(value=values[self._frame.language]),
            self._account: account(session.principal, self._frame.texts(values)),
        }
        return merged(words, {**self._show(session, values), **chosen})

    def _switch(self, session: Session, values: Values) -> Updates:
        return {**self._speak(session, values), self._chosen: values[self._frame.language]}

    def _leave(self, request: gr.Request) -> None:
        self._runs.stop(str(request.session_hash))
