"""What the tabs share: the service, the chosen language and collection, and the place for messages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from app.page.callers import as_caller
from app.page.rendering.notices import failure
from app.page.runs import Runs
from app.page.service import Service
from app.page.texts import Texts, texts_of
from app.page.wording import Updates, Values, Wording
from app.workspace import CollectionInfo
from knowledge_base.errors import DomainqaError

P = ParamSpec("P")
Refresh = Callable[[Dependency], Dependency]
Handler = Callable[Concatenate[Values, P], Updates]
StreamHandler = Callable[Concatenate[Values, P], Iterator[Updates]]

HERE = Path(__file__).parent
CLICKS = (HERE / "clicks.js").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Limits:
    """What an upload may be: megabytes of a file and the suffixes that have a loader."""

    megabytes: int
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The page around the tabs."""

    service: Service
    runs: Runs
    limits: Limits
    words: Wording
    language: gr.Radio
    collection: gr.Dropdown
    notice: gr.HTML

    def texts(self, values: Values) -> Texts:
        """The words of the chosen language."""
        return texts_of(values[self.language])

    def collection_choices(self, wanted: str | None) -> tuple[Updates, CollectionInfo | None]:
        """The collections there are, with `wanted` chosen if it is among them."""
        infos = self.service.collections()
        chosen = chosen_of(infos, wanted)
        name = chosen.name if chosen else None
        return {self.collection: gr.update(choices=[info.name for info in infos], value=name)}, chosen

    def guarded(self, handler: Handler[P], clear: bool = True) -> Handler[P]:
        """The handler, with an error of ours as one visible message; without, the last message goes away."""

        @wraps(handler)
        def safe(values: Values, /, *args: P.args, **kwargs: P.kwargs) -> Updates:
            try:
                changed = handler(values, *args, **kwargs)
                return {self.notice: "", **changed} if clear else changed
            except DomainqaError as error:
                return {self.notice: failure(error)}

        return safe

    def guarded_stream(self, handler: StreamHandler[P], after: Callable[[], Updates]) -> StreamHandler[P]:
        """The same for a handler that shows its progress; `after` is shown at its end, failed or not."""

        @wraps(handler)
        def safe(values: Values, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Updates]:
            try:
                yield {self.notice: ""}
                yield from handler(values, *args, **kwargs)
                if last := after():
                    yield last
            except DomainqaError as error:
                yield {self.notice: failure(error), **after()}

        return safe


def chosen_of(infos: Sequence[CollectionInfo], wanted: str | None) -> CollectionInfo | None:
    """The collection called `wanted`, or else the first one with documents, or else the first."""
    by_name = {info.name: info for info in infos}
    filled = (info for info in infos if info.documents)
    return by_name.get(wanted or "") or next(filled, None) or next(iter(infos), None)


def detail(event: gr.EventData, name: str) -> str:
    """What a clicked element carries as `data-NAME`; "" if it carries none."""
    value: Any = getattr(event, name, "")
    return str(value)


def listen(
    trigger: Callable[..., Any],
    handler: Callable[..., Any],
    inputs: Any,  # noqa: ANN401
    outputs: Sequence[Block] | None,
    **options: Any,  # noqa: ANN401
) -> Dependency:
    """Bind a handler that is no part of the public HTTP interface and shows no progress of its own.

    What it does is done for whoever sent the event.
    """
    given = {"api_visibility": "private", "show_progress": "hidden", **options}
    step: Dependency = trigger(as_caller(handler), inputs=inputs, outputs=outputs, **given)
    return step


def clickable(**options: Any) -> gr.HTML:  # noqa: ANN401
    """HTML whose elements with `data-event` raise that event."""
    return gr.HTML(js_on_load=CLICKS, apply_default_css=False, **options)
