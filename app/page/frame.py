"""What the tabs share: how their events reach a session, the chosen language and collection, and messages."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from app.access.values import Principal
from app.page.rendering.notices import failure, question
from app.page.runs import Runs
from app.page.texts import Texts, texts_of
from app.session import Session
from app.workspace import CollectionInfo, Workspace
from knowledge_base.errors import DomainqaError

B = TypeVar("B", bound=Block)
Words = Callable[[Texts], dict[str, Any]]
Updates = dict[Block, Any]
Values = dict[Block, Any]
Refresh = Callable[[Dependency], Dependency]
Trigger = Callable[..., Any]
# Handlers take the session of whoever sent the event, the values of their inputs, and, if they name them by
# type, Gradio's EventData and Request.
Handler = Callable[..., Updates]
StreamHandler = Callable[..., Iterator[Updates]]

HERE = Path(__file__).parent
CLICKS = (HERE / "clicks.js").read_text(encoding="utf-8")


class Wording:
    """Makes components in one language and puts them into another."""

    def __init__(self, initial: Texts) -> None:
        self.initial = initial
        self._entries: list[tuple[Block, Words]] = []

    def make(self, kind: Callable[..., B], words: Words, **options: Any) -> B:  # noqa: ANN401
        """A component whose arguments in `words` follow the language and whose `options` do not."""
        component = kind(**words(self.initial), **options)
        self._entries.append((component, words))
        return component

    @property
    def components(self) -> list[Block]:
        """Everything that changes with the language."""
        return [component for component, _ in self._entries]

    def updates(self, texts: Texts) -> Updates:
        """What Gradio needs to put everything into a language."""
        return {component: gr.update(**words(texts)) for component, words in self._entries}


@dataclass(frozen=True, slots=True)
class Frame:
    """The page around the tabs."""

    workspace: Workspace
    runs: Runs
    max_megabytes: int
    words: Wording
    language: gr.Radio
    collection: gr.Dropdown
    notice: gr.HTML

    def texts(self, values: Values) -> Texts:
        """The words of the chosen language."""
        return texts_of(values[self.language])

    def collection_choices(
        self, session: Session, wanted: str | None
    ) -> tuple[Updates, CollectionInfo | None]:
        """The collections there are, with `wanted` chosen if it is among them."""
        infos = session.collections()
        chosen = chosen_of(infos, wanted)
        name = chosen.name if chosen else None
        return {self.collection: gr.update(choices=[info.name for info in infos], value=name)}, chosen

    def listen(
        self,
        trigger: Trigger,
        handler: Handler,
        inputs: AbstractSet[Block],
        outputs: Sequence[Block],
        *,
        clear: bool = True,
        **options: Any,  # noqa: ANN401
    ) -> Dependency:
        """Bind a handler; an expected error becomes the one visible message, success removes the last one."""

        def safe(sender: gr.Request, *given: Any) -> Updates:  # noqa: ANN401
            try:
                changed = handler(self._session(sender), *given)
                return {self.notice: "", **changed} if clear else changed
            except DomainqaError as error:
                return {self.notice: failure(error)}

        return bind(
            trigger, _sent(safe, handler), inputs, list(dict.fromkeys([self.notice, *outputs])), **options
        )

    def listen_stream(
        self,
        trigger: Trigger,
        handler: StreamHandler,
        inputs: AbstractSet[Block],
        outputs: Sequence[Block],
        *,
        after: Callable[[], Updates] = dict,
        **options: Any,  # noqa: ANN401
    ) -> Dependency:
        """Bind a handler that shows its progress; `after` is shown at its end, failed or not."""

        def safe(sender: gr.Request, *given: Any) -> Iterator[Updates]:  # noqa: ANN401
            try:
                yield {self.notice: ""}
                yield from handler(self._session(sender), *given)
                if last := after():
                    yield last
            except DomainqaError as error:
                yield {self.notice: failure(error), **after()}

        return bind(
            trigger, _sent(safe, handler), inputs, list(dict.fromkeys([self.notice, *outputs])), **options
        )

    def _session(self, sender: gr.Request) -> Session:
        """The session of the principal whom the middleware found; without one nothing is done."""
        principal = sender.state.principal
        if not isinstance(principal, Principal):
            raise TypeError("A request came past the middleware that finds out who calls.")
        return Session(self.workspace, principal)


class Confirmation:
    """A question with two buttons, hidden until it is asked; the caller binds `confirm`."""

    def __init__(self, words: Wording, elem_id: str, label: Words) -> None:
        with gr.Column(visible=False, elem_id=elem_id, elem_classes="dq-confirmation") as self._group:
            self._question = gr.HTML(apply_default_css=False)
            with gr.Row(elem_classes="dq-buttons"):
                self.confirm = words.make(
                    gr.Button, label, variant="stop", size="sm", elem_classes="dq-confirm"
                )
                cancel = words.make(gr.Button, lambda t: {"value": t.cancel}, size="sm")
        bind(cancel.click, self.closed, None, self.outputs)

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


def bind(
    trigger: Trigger,
    handler: Callable[..., Any],
    inputs: AbstractSet[Block] | None,
    outputs: Sequence[Block] | None,
    **options: Any,  # noqa: ANN401
) -> Dependency:
    """Bind a handler that calls no use case; it is no part of Gradio's own HTTP interface."""
    given = {"api_visibility": "private", "show_progress": "hidden", **options}
    step: Dependency = trigger(handler, inputs=inputs, outputs=outputs, **given)
    return step


def chosen_of(infos: Sequence[CollectionInfo], wanted: str | None) -> CollectionInfo | None:
    """The collection called `wanted`, or else the first one with documents, or else the first."""
    by_name = {info.name: info for info in infos}
    filled = (info for info in infos if info.documents)
    return by_name.get(wanted or "") or next(filled, None) or next(iter(infos), None)


def clickable(**options: Any) -> gr.HTML:  # noqa: ANN401
    """HTML whose elements with `data-event` raise that event."""
    return gr.HTML(js_on_load=CLICKS, apply_default_css=False, **options)


def detail(event: gr.EventData, name: str) -> str:
    """What a clicked element carries as `data-NAME`; "" if it carries none."""
    value: Any = getattr(event, name, "")
    return str(value)


def written(values: Values, field: Block) -> str:
    """The text in a field; an untouched one gives no text at all."""
    return values[field] or ""


def merged(first: Updates, second: Updates) -> Updates:
    """Both updates; where both change one component, their properties together, those of `second` winning."""
    both = {
        part: {**first[part], **second[part]}
        for part in first.keys() & second.keys()
        if isinstance(second[part], dict) and second[part].get("__type__") == "update"
    }
    return {**first, **second, **both}


def _sent(safe: Callable[..., Any], handler: Callable[..., Any]) -> Callable[..., Any]:
    """`safe` with the parameters of `handler`, the request in place of its session.

    Gradio reads signatures: it gives a request or the data of an event to the parameter of that type.
    """
    _, *parameters = inspect.signature(handler).parameters.values()
    sender = inspect.Parameter("sender", inspect.Parameter.POSITIONAL_ONLY, annotation=gr.Request)
    described: Any = safe
    described.__signature__ = inspect.Signature([sender, *parameters])
    hints = get_type_hints(handler)
    described.__annotations__ = {
        "sender": gr.Request,
        **{one.name: hints[one.name] for one in parameters if one.name in hints},
    }
    return safe
